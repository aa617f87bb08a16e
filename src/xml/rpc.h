/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Values as XML-RPC writes them (xmlrpc.com/spec): <value> holds a scalar, bare or in an element
 * that tells its type, a <struct> of members, or an <array>. */
#ifndef VMF_XML_RPC_H
#define VMF_XML_RPC_H

#include "xml.h"

/* Below: `value` is a <value> element, or NULL, which is nothing at all. */

/* The next <member> of a struct behind `before`; NULL: the first. NULL: there is none, or `value`
 * is no struct. */
xmlNode *vmf_rpc_next_member(const xmlNode *value, const xmlNode *before);
/* Its name, a fresh string, "" where there is none; and its value. */
VMF_MUST_CHECK enum vmf_code vmf_rpc_name(const xmlNode *member, char **name,
                                          struct vmf_error *error);
xmlNode *vmf_rpc_value(const xmlNode *member);

/* The value of the first member of that name; *found NULL: there is none. */
VMF_MUST_CHECK enum vmf_code vmf_rpc_member(const xmlNode *value, const char *name, xmlNode **found,
                                            struct vmf_error *error);

/* The next <value> of an array behind `before`, as above. */
xmlNode *vmf_rpc_next_item(const xmlNode *value, const xmlNode *before);

/* The text of a scalar, whatever its type, a fresh string; *text NULL: it is none. */
VMF_MUST_CHECK enum vmf_code vmf_rpc_text(const xmlNode *value, char **text,
                                          struct vmf_error *error);

/* The text of the first member of that name; *text NULL: there is none, or it is no scalar. */
VMF_MUST_CHECK enum vmf_code vmf_rpc_member_text(const xmlNode *value, const char *name,
                                                 char **text, struct vmf_error *error);

#endif
