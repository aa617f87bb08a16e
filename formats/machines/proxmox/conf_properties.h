/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The value of a setting that is a list, `first,name=value,...`. */
#ifndef FORMATS_PROXMOX_CONF_PROPERTIES_H
#define FORMATS_PROXMOX_CONF_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { CONF_PROPERTIES = 64 };

struct conf_property {
  const char *name, *value;
  bool taken; /* it has a place in the machine */
};

struct conf_properties {
  char *text; /* owned */
  struct conf_property list[CONF_PROPERTIES];
  size_t count;
};

/* first: the name of what stands without one. VMF_LIMIT: there are too many. Cleared by the caller,
 * also after a failure. */
VMF_MUST_CHECK enum vmf_code conf_split(const char *value, const char *first,
                                        struct conf_properties *properties,
                                        struct vmf_error *error);
void conf_properties_clear(struct conf_properties *properties);

/* The value of that name, which has its place now; NULL: none. Of two the last. */
const char *conf_take(struct conf_properties *properties, const char *name);

/* As Proxmox takes them: 1, on, yes, true, 0, off, no, false. False: something else. */
bool conf_flag(const char *text, bool *flag);

/* Digits only, a number up to `most`; false: something else. */
bool conf_number(const char *text, uint64_t most, uint64_t *number);

/* "32G", "4194304K": bytes; false: something else. */
bool conf_size(const char *text, uint64_t *size);

#endif
