/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "rpc_text.h"

#include <inttypes.h>
#include <string.h>

static void member(struct vmf_markup *markup, const char *name)
{
  if (!name)
    return;
  vmf_markup_open(markup, "member");
  vmf_markup_leaf(markup, "name", "%s", name);
}

static void member_end(struct vmf_markup *markup, const char *name)
{
  if (name)
    vmf_markup_leave(markup, "member");
}

void rpc_struct(struct vmf_markup *markup, const char *name)
{
  member(markup, name);
  vmf_markup_open(markup, "value");
  vmf_markup_open(markup, "struct");
}

void rpc_struct_end(struct vmf_markup *markup, const char *name)
{
  vmf_markup_leave(markup, "struct");
  vmf_markup_leave(markup, "value");
  member_end(markup, name);
}

void rpc_array(struct vmf_markup *markup, const char *name)
{
  member(markup, name);
  vmf_markup_open(markup, "value");
  vmf_markup_open(markup, "array");
  vmf_markup_open(markup, "data");
}

void rpc_array_end(struct vmf_markup *markup, const char *name)
{
  vmf_markup_leave(markup, "data");
  vmf_markup_leave(markup, "array");
  vmf_markup_leave(markup, "value");
  member_end(markup, name);
}

void rpc_text(struct vmf_markup *markup, const char *name, const char *text)
{
  member(markup, name);
  vmf_markup_leaf(markup, "value", "%s", text ? text : "");
  member_end(markup, name);
}

void rpc_number(struct vmf_markup *markup, const char *name, uint64_t number)
{
  member(markup, name);
  vmf_markup_leaf(markup, "value", "%" PRIu64, number);
  member_end(markup, name);
}

void rpc_ref(struct vmf_markup *markup, const char *name, uint64_t number)
{
  member(markup, name);
  vmf_markup_leaf(markup, "value", "Ref:%" PRIu64, number);
  member_end(markup, name);
}

void rpc_flag(struct vmf_markup *markup, const char *name, bool flag)
{
  member(markup, name);
  vmf_markup_open(markup, "value");
  vmf_markup_leaf(markup, "boolean", "%d", flag);
  vmf_markup_leave(markup, "value");
  member_end(markup, name);
}

void rpc_empty_struct(struct vmf_markup *markup, const char *name)
{
  rpc_struct(markup, name);
  rpc_struct_end(markup, name);
}

void rpc_empty_array(struct vmf_markup *markup, const char *name)
{
  rpc_array(markup, name);
  rpc_array_end(markup, name);
}

enum vmf_code rpc_take(struct vmf_markup *markup, char **text, size_t *length,
                       struct vmf_error *error)
{
  VMF_TRY(vmf_markup_take(markup, text, error));
  char *out = *text;

  for (const char *at = *text; *at; at++) {
    size_t blanks = *at == '\n' ? 1 + strspn(at + 1, " ") : 0;
    bool before = out == *text || out[-1] == '>';
    if (blanks > 0 && before && (at[blanks] == '<' || at[blanks] == '\0')) {
      at += blanks - 1;
      continue;
    }
    *out++ = *at;
  }
  *out = '\0';
  *length = (size_t)(out - *text);
  return VMF_OK;
}
