/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the parts of the rule checker share. */
#ifndef VMF_OVF_RULES_RULES_PARTS_H
#define VMF_OVF_RULES_RULES_PARTS_H

#include "name_list.h"
#include "rules.h"

/* One check of one descriptor. */
struct vmf_rules {
  const struct vmf_ovf *ovf;
  struct vmf_report *report;
  const char *uri; /* the namespace of the envelope: whatever the file says */
  bool unqualified_told, property_key_told, mixed_told; /* once a descriptor is enough */
  /* sorted */
  struct vmf_names files, disks, networks, configurations, systems;
};

/* A finding at an element. */
void vmf_rules_add(struct vmf_rules *rules, enum vmf_severity severity, const char *rule,
                   const xmlNode *element, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* An attribute of the descriptor's own namespace, or without one; *value = NULL when it is not
 * there. Freed by the caller. */
VMF_MUST_CHECK enum vmf_code vmf_rules_attribute(const struct vmf_rules *rules,
                                                 const xmlNode *element, const char *name,
                                                 char **value, struct vmf_error *error);

/* Whether the element belongs to the descriptor's own vocabulary: it is in the envelope's
 * namespace, or in none. */
bool vmf_rules_own(const struct vmf_rules *rules, const xmlNode *element);

/* What the element is called: its name, or what the xsi:type of a Section or Content says, without
 * prefix and "_Type". A fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_rules_kind(const struct vmf_rules *rules, const xmlNode *element,
                                            char **kind, struct vmf_error *error);

/* ovf:required="false" (or "0"). */
VMF_MUST_CHECK enum vmf_code vmf_rules_dispensable(const struct vmf_rules *rules,
                                                   const xmlNode *element, bool *dispensable,
                                                   struct vmf_error *error);

/* Visits every element of the given kind below `top`, in document order; elements of other
 * vocabularies are not entered. */
typedef enum vmf_code vmf_rules_visitor(struct vmf_rules *rules, const xmlNode *element,
                                        struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_rules_visit(struct vmf_rules *rules, const xmlNode *top,
                                             const char *kind, vmf_rules_visitor *visitor,
                                             struct vmf_error *error);

/* ---- the parts ---- */

VMF_MUST_CHECK enum vmf_code vmf_rules_structure(struct vmf_rules *rules, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_rules_files(struct vmf_rules *rules, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_rules_disks(struct vmf_rules *rules, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_rules_hardware(struct vmf_rules *rules, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_rules_machine(struct vmf_rules *rules, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_rules_texts(struct vmf_rules *rules, struct vmf_error *error);

#endif
