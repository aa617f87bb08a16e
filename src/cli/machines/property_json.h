/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Values of properties as JSON: an object of them by key, or what `info` tells of a package. */
#ifndef VMF_CLI_PROPERTY_JSON_H
#define VMF_CLI_PROPERTY_JSON_H

#include "word_list.h"

/* Whether the text is JSON, and no list of KEY=VALUE. */
bool vmf_property_json_is(const char *text);

/* Appends each key and its value. Of what `info` tells, properties without a value are left out. No
 * message shows a value. `name` is the file's. VMF_USAGE: it is no JSON, or says something else. */
VMF_MUST_CHECK enum vmf_code vmf_property_json_read(const char *name, const char *text,
                                                    struct vmf_words *words,
                                                    struct vmf_error *error);

#endif
