/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "value.h"

#include <string.h>

#include "memory.h"

/* The children of a node are put behind it in the list of what is still to be freed, so that no
 * depth of nesting costs stack. */
void vmf_value_free(struct vmf_value *value)
{
  if (value)
    value->next = NULL;
  while (value) {
    struct vmf_value *next = value->next;
    if (value->first) {
      value->last->next = next;
      next = value->first;
    }
    vmf_free(value->name);
    vmf_free(value->text);
    vmf_free(value);
    value = next;
  }
}

static enum vmf_code value_create(enum vmf_value_kind kind, const char *name,
                                  struct vmf_value **value, struct vmf_error *error)
{
  void *block = NULL;

  *value = NULL;
  VMF_TRY(vmf_alloc(sizeof(**value), &block, error));
  struct vmf_value *made = block;
  made->kind = kind;
  enum vmf_code code = name ? vmf_copy_text(name, &made->name, error) : VMF_OK;
  if (code != VMF_OK)
    vmf_value_free(made);
  else
    *value = made;
  return code;
}

enum vmf_code vmf_value_new(struct vmf_value **root, struct vmf_error *error)
{
  return value_create(VMF_VALUE_OBJECT, NULL, root, error);
}

/* Whether a child of this name may stand in this parent. */
static enum vmf_code value_check(const struct vmf_value *parent, const char *name,
                                 struct vmf_error *error)
{
  if (parent->kind == VMF_VALUE_OBJECT && !name)
    return vmf_fail(error, VMF_USAGE, "a value in an object needs a name");
  if (parent->kind == VMF_VALUE_LIST && name)
    return vmf_fail(error, VMF_USAGE, "value \"%s\": what stands in a list has no name", name);
  if (parent->kind != VMF_VALUE_OBJECT && parent->kind != VMF_VALUE_LIST)
    return vmf_fail(error, VMF_USAGE, "only objects and lists hold values");
  return VMF_OK;
}

static void value_append(struct vmf_value *parent, struct vmf_value *child)
{
  if (parent->last)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
}

enum vmf_code vmf_value_add(struct vmf_value *parent, enum vmf_value_kind kind, const char *name,
                            struct vmf_value **child, struct vmf_error *error)
{
  struct vmf_value *made = NULL;

  VMF_TRY(value_check(parent, name, error));
  VMF_TRY(value_create(kind, name, &made, error));
  value_append(parent, made);
  if (child)
    *child = made;
  return VMF_OK;
}

enum vmf_code vmf_value_text(struct vmf_value *parent, const char *name, const char *text,
                             struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  struct vmf_value *made = NULL;

  VMF_TRY(vmf_copy_text(text, &copy, error));
  VMF_TRY(vmf_value_add(parent, VMF_VALUE_TEXT, name, &made, error));
  made->text = copy;
  copy = NULL;
  return VMF_OK;
}

enum vmf_code vmf_value_uint(struct vmf_value *parent, const char *name, uint64_t number,
                             struct vmf_error *error)
{
  struct vmf_value *made = NULL;

  VMF_TRY(vmf_value_add(parent, VMF_VALUE_UINT, name, &made, error));
  made->number = number;
  return VMF_OK;
}

enum vmf_code vmf_value_bool(struct vmf_value *parent, const char *name, bool value,
                             struct vmf_error *error)
{
  struct vmf_value *made = NULL;

  VMF_TRY(vmf_value_add(parent, VMF_VALUE_BOOL, name, &made, error));
  made->number = value;
  return VMF_OK;
}

enum vmf_code vmf_value_hidden(struct vmf_value *parent, const char *secret,
                               struct vmf_error *error)
{
  VMF_TRY(vmf_value_bool(parent, "hidden", true, error));
  return vmf_value_uint(parent, "length", secret ? strlen(secret) : 0, error);
}

enum vmf_code vmf_value_failure(struct vmf_value *parent, const struct vmf_error *failure,
                                struct vmf_error *error)
{
  if (failure->code == VMF_NOMEM || failure->code == VMF_CANCELLED) {
    *error = *failure;
    return error->code;
  }
  return vmf_value_text(parent, "error", failure->text, error);
}

const struct vmf_value *vmf_value_member(const struct vmf_value *value, const char *name)
{
  for (const struct vmf_value *child = value ? value->first : NULL; child; child = child->next)
    if (child->name && strcmp(child->name, name) == 0)
      return child;
  return NULL;
}
