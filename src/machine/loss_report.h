/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The loss report: what became of every field of a machine in a conversion. The machine as it was
 * read is held against the machine that the target's own reader makes of what was written, by the
 * tables of fields.h; the writer's reasons are joined by the names of the fields. */
#ifndef VMF_MACHINE_LOSS_REPORT_H
#define VMF_MACHINE_LOSS_REPORT_H

#include "machine_format.h"

enum vmf_loss_outcome {
  VMF_OUTCOME_KEPT,
  VMF_OUTCOME_CHANGED,
  VMF_OUTCOME_DEFAULTED, /* the source says nothing, and the target something */
  VMF_OUTCOME_DROPPED,
  VMF_OUTCOME_UNKNOWN, /* written as it was, and nobody can tell here what it does there */
  VMF_OUTCOMES,
};

struct vmf_field_loss {
  enum vmf_loss_outcome outcome;
  enum vmf_loss_weight weight; /* NONE: nothing is lost */
  char *code;                  /* "L-topology"; NULL: nothing is lost. Owned, as all texts are */
  char *field;                 /* "memory", "disks[0].bus", "nics[1]", "extra.sched.cpu.units" */
  char *before, *after;        /* for people; NULL: not told */
  char *why;                   /* NULL: not told */
  unsigned line;               /* of the source; 0: none */
};

struct vmf_loss_report {
  struct vmf_field_loss *losses; /* in the order of the tables */
  size_t count, room;
  struct vmf_field_loss *reasons; /* told by the writer: field, code, weight, why */
  size_t reason_count, reason_room;
  bool incomplete; /* no memory for a reason */
};

/* For a writer to tell its reasons to. */
struct vmf_machine_losses vmf_loss_reasons(struct vmf_loss_report *report);

/* Compares. target: what the writer was given for `before`; a disk of `after` is the one whose
 * image has its name. All reasons have been told. */
VMF_MUST_CHECK enum vmf_code vmf_loss_compare(const struct vmf_machine *before,
                                              const struct vmf_machine *after,
                                              const struct vmf_machine_target *target,
                                              struct vmf_loss_report *report,
                                              struct vmf_error *error);

/* The first one of at least that weight, or NULL. */
const struct vmf_field_loss *vmf_loss_of_weight(const struct vmf_loss_report *report,
                                                enum vmf_loss_weight weight);

/* As a tree: the counts by outcome, and a list "fields", each {field, outcome, before, after, code,
 * weight, why, line}. */
VMF_MUST_CHECK enum vmf_code vmf_loss_value(const struct vmf_loss_report *report,
                                            struct vmf_value *parent, struct vmf_error *error);

void vmf_loss_clear(struct vmf_loss_report *report);

#endif
