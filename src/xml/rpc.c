/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "rpc.h"

#include <string.h>

#include "memory.h"

static xmlNode *next(const xmlNode *parent, const xmlNode *before, const char *name)
{
  if (before)
    return vmf_xml_find(before->next, NULL, name);
  return parent ? vmf_xml_child(parent, NULL, name) : NULL;
}

/* The element of that name in a value. */
static xmlNode *inside(const xmlNode *value, const char *name)
{
  return value ? vmf_xml_child(value, NULL, name) : NULL;
}

xmlNode *vmf_rpc_next_member(const xmlNode *value, const xmlNode *before)
{
  return next(inside(value, "struct"), before, "member");
}

enum vmf_code vmf_rpc_name(const xmlNode *member, char **name, struct vmf_error *error)
{
  const xmlNode *element = inside(member, "name");

  return element ? vmf_xml_text(element, name, error) : vmf_copy_text("", name, error);
}

xmlNode *vmf_rpc_value(const xmlNode *member)
{
  return inside(member, "value");
}

enum vmf_code vmf_rpc_member(const xmlNode *value, const char *name, xmlNode **found,
                             struct vmf_error *error)
{
  *found = NULL;
  for (xmlNode *member = NULL; (member = vmf_rpc_next_member(value, member)) != NULL;) {
    VMF_AUTO_FREE char *own = NULL;
    VMF_TRY(vmf_rpc_name(member, &own, error));
    if (strcmp(own, name) != 0)
      continue;
    *found = vmf_rpc_value(member);
    return VMF_OK;
  }
  return VMF_OK;
}

xmlNode *vmf_rpc_next_item(const xmlNode *value, const xmlNode *before)
{
  return next(inside(inside(value, "array"), "data"), before, "value");
}

enum vmf_code vmf_rpc_text(const xmlNode *value, char **text, struct vmf_error *error)
{
  const xmlNode *typed = value ? vmf_xml_child(value, NULL, NULL) : NULL;

  *text = NULL;
  if (!value || inside(value, "struct") || inside(value, "array"))
    return VMF_OK;
  return vmf_xml_text(typed ? typed : value, text, error);
}

enum vmf_code vmf_rpc_member_text(const xmlNode *value, const char *name, char **text,
                                  struct vmf_error *error)
{
  xmlNode *found;

  *text = NULL;
  VMF_TRY(vmf_rpc_member(value, name, &found, error));
  return vmf_rpc_text(found, text, error);
}
