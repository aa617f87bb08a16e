/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Values of XML-RPC as text, in the form that xapi writes: numbers are bare texts. */
#ifndef VMF_FORMATS_XAPI_RPC_TEXT_H
#define VMF_FORMATS_XAPI_RPC_TEXT_H

#include <stdint.h>

#include "markup.h"

/* <value><struct> and its end; alone, or as the member `name` of the struct around it. */
void rpc_struct(struct vmf_markup *markup, const char *name);
void rpc_struct_end(struct vmf_markup *markup, const char *name);
/* <value><array><data> and its end. */
void rpc_array(struct vmf_markup *markup, const char *name);
void rpc_array_end(struct vmf_markup *markup, const char *name);

/* Members; an item has no name. */
void rpc_text(struct vmf_markup *markup, const char *name, const char *text);
void rpc_number(struct vmf_markup *markup, const char *name, uint64_t number);
void rpc_flag(struct vmf_markup *markup, const char *name, bool flag);
/* "PREFIX<number>": an object's id. */
void rpc_ref(struct vmf_markup *markup, const char *name, uint64_t number);
void rpc_empty_struct(struct vmf_markup *markup, const char *name);
void rpc_empty_array(struct vmf_markup *markup, const char *name);

/* The whole text without the white space between its elements, which no value has. */
VMF_MUST_CHECK enum vmf_code rpc_take(struct vmf_markup *markup, char **text, size_t *length,
                                      struct vmf_error *error);

#endif
