/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "value.h"

#include "memory.h"

/* Depth is bounded by what drivers build: a handful. */
void vmf_value_free(struct vmf_value *value)
{
  while (value) {
    struct vmf_value *next = value->next;
    vmf_value_free(value->first);
    vmf_free(value->name);
    vmf_free(value->text);
    vmf_free(value);
    value = next;
  }
}

enum vmf_code vmf_value_new(struct vmf_value **root, struct vmf_error *error)
{
  void *memory;
  *root = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_value), &memory, error));
  *root = memory;
  (*root)->kind = VMF_VALUE_OBJECT;
  return VMF_OK;
}

enum vmf_code vmf_value_add(struct vmf_value *parent, enum vmf_value_kind kind, const char *name,
                            struct vmf_value **child, struct vmf_error *error)
{
  VMF_TRY(vmf_value_new(child, error));
  (*child)->kind = kind;
  if (parent->last)
    parent->last->next = *child;
  else
    parent->first = *child;
  parent->last = *child;
  return name ? vmf_copy_text(name, &(*child)->name, error) : VMF_OK;
}

enum vmf_code vmf_value_text(struct vmf_value *parent, const char *name, const char *text,
                             struct vmf_error *error)
{
  struct vmf_value *child;
  VMF_TRY(vmf_value_add(parent, VMF_VALUE_TEXT, name, &child, error));
  return vmf_copy_text(text, &child->text, error);
}

enum vmf_code vmf_value_uint(struct vmf_value *parent, const char *name, uint64_t number,
                             struct vmf_error *error)
{
  struct vmf_value *child;
  VMF_TRY(vmf_value_add(parent, VMF_VALUE_UINT, name, &child, error));
  child->number = number;
  return VMF_OK;
}

enum vmf_code vmf_value_bool(struct vmf_value *parent, const char *name, bool value,
                             struct vmf_error *error)
{
  struct vmf_value *child;
  VMF_TRY(vmf_value_add(parent, VMF_VALUE_BOOL, name, &child, error));
  child->number = value;
  return VMF_OK;
}
