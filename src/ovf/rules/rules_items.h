/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The items of one VirtualHardwareSection or ResourceAllocationSection, as the rules see them. */
#ifndef VMF_OVF_RULES_RULES_ITEMS_H
#define VMF_OVF_RULES_RULES_ITEMS_H

#include "rules_parts.h"

/* Texts are owned; NULL: the item has none. */
struct vmf_rule_item {
  const xmlNode *element;
  uint64_t type; /* 0: none or no number */
  bool required, empty_parent;
  char *type_text, *instance, *parent, *address_on_parent, *connection, *host_resource, *subtype;
  char *units, *quantity, *reservation, *limit, *weight, *configuration, *bound;
};

struct vmf_rule_items {
  struct vmf_rule_item *list;
  size_t count, capacity;
  bool hardware; /* of a VirtualHardwareSection */
};

/* What the items say to each other and to the rest of the descriptor. */
VMF_MUST_CHECK enum vmf_code vmf_rules_items(struct vmf_rules *rules,
                                             const struct vmf_rule_items *items,
                                             struct vmf_error *error);

#endif
