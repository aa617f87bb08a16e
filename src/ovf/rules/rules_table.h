/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What an element of a descriptor may hold, by DSP8023: which children in which order and how
 * often, which attributes. One table for all versions; in OVF 0.9 a section is
 * <Section xsi:type="ovf:DiskSection_Type"> and is looked up as "DiskSection". */
#ifndef VMF_OVF_RULES_RULES_TABLE_H
#define VMF_OVF_RULES_RULES_TABLE_H

#include "vmferry.h"

enum vmf_rule_versions {
  VMF_RULE_0_9 = 1,
  VMF_RULE_1 = 2,
  VMF_RULE_2 = 4,
  VMF_RULE_ALL = VMF_RULE_0_9 | VMF_RULE_1 | VMF_RULE_2,
};

enum vmf_rule_value {
  VMF_RULE_TEXT,
  VMF_RULE_WORD,     /* not empty */
  VMF_RULE_BOOLEAN,  /* true, false, 1, 0 */
  VMF_RULE_UNSIGNED, /* 64 bits */
  VMF_RULE_SHORT,    /* 0 .. 65535 */
};

/* Where a section may stand. */
enum vmf_rule_place {
  VMF_RULE_IN_ENVELOPE = 1,
  VMF_RULE_IN_SYSTEM = 2,
  VMF_RULE_IN_COLLECTION = 4,
};

struct vmf_rule_attribute {
  const char *name; /* NULL ends a list */
  enum vmf_rule_value value;
  enum vmf_severity missing; /* NOTE: it is optional */
};

struct vmf_rule_element;

struct vmf_rule_child {
  const char *name; /* NULL ends a list */
  unsigned rank;    /* among its siblings: never behind one of a higher rank */
  unsigned max;     /* 0: any number */
  enum vmf_severity missing;
  const struct vmf_rule_element *element; /* NULL: not looked into */
  unsigned versions;                      /* 0: all */
};

struct vmf_rule_element {
  const struct vmf_rule_attribute *attributes; /* or NULL */
  const struct vmf_rule_child *children;       /* or NULL */
  unsigned place;                              /* not 0: holds sections, as this place */
  unsigned section_rank, content_rank;         /* with place; content_rank 0: holds none */
  bool one_content;                            /* exactly one VirtualSystem or collection */
};

struct vmf_rule_section {
  const char *name;
  const struct vmf_rule_element *element;
  unsigned places, versions;
  bool once;  /* in its parent */
  bool loose; /* in OVF 0.9 found elsewhere, too, and read or passed over there */
};

extern const struct vmf_rule_element vmf_rule_envelope, vmf_rule_system, vmf_rule_collection;

/* By name, without a prefix; NULL: unknown. */
const struct vmf_rule_section *vmf_rule_section(const char *name);

#endif
