/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The neutral machine as tables: the name of every field, what kind it is, and what it costs when a
 * conversion loses it. What `info` shows, what a loss report compares and what tests hold against
 * each other is read from here. */
#ifndef VMF_MACHINE_FIELDS_H
#define VMF_MACHINE_FIELDS_H

#include "machine.h"

enum vmf_field_kind {
  VMF_FIELD_TEXT,
  VMF_FIELD_NUMBER,
  VMF_FIELD_BYTES,  /* a number of bytes */
  VMF_FIELD_SIGNED, /* int64_t */
  VMF_FIELD_FLAG,
  VMF_FIELD_WORD, /* the number is an index of `words` */
  VMF_FIELD_ID,
};

/* How much it matters that a field is not what it was. */
enum vmf_loss_weight {
  VMF_LOSS_NONE,      /* of the source's own; not compared */
  VMF_LOSS_COSMETIC,  /* nobody in the guest notices */
  VMF_LOSS_BEHAVIOUR, /* the guest runs, and notices */
  VMF_LOSS_BOOT,      /* it may not start */
  VMF_LOSS_DATA,
};

struct vmf_field {
  const char *name; /* in JSON: "memory-least" */
  enum vmf_field_kind kind;
  size_t offset;            /* in its struct */
  const char *const *words; /* ends with NULL */
  const char *loss;         /* code of the loss report: "L-topology"; with VMF_LOSS_NONE: when it is
                             * told no more */
  enum vmf_loss_weight weight;
  int usual; /* the number that every format means when it says nothing; -1: there is none such */
};

/* A list of devices of the machine. */
struct vmf_field_list {
  const char *name;     /* in JSON: "disks" */
  const char *singular; /* for people: "disk" */
  size_t offset, count_offset,
      size;                       /* of the pointer and the count in the machine; of an element */
  const struct vmf_field *fields; /* ends with name NULL */
  const char *loss;               /* when a whole element is lost */
  enum vmf_loss_weight weight;
};

extern const struct vmf_field vmf_machine_fields[];     /* ends with name NULL */
extern const struct vmf_field_list vmf_machine_lists[]; /* ends with name NULL */

/* Whether `parent` (a machine or an element of a list) tells the field. */
bool vmf_field_told(const struct vmf_field *field, const void *parent);

/* Whether it is not told, or has the value that saying nothing means, too. */
bool vmf_field_usual(const struct vmf_field *field, const void *parent);

/* The line that it was read from; 0: none. */
unsigned vmf_field_line(const struct vmf_field *field, const void *parent);

/* Both are told, and the same; or neither is. */
bool vmf_field_equal(const struct vmf_field *field, const void *one, const void *other);

/* Its value for people, without unit: "4294967296", "efi", "on". "": not told. Cut where `size` is
 * too small. */
void vmf_field_text(const struct vmf_field *field, const void *parent, char *text, size_t size);

/* The elements of a list, and how many they are. */
const void *vmf_field_element(const struct vmf_field_list *list, const struct vmf_machine *machine,
                              size_t index);
size_t vmf_field_count(const struct vmf_field_list *list, const struct vmf_machine *machine);

/* The machine as a tree: what is told, by the names of the tables; ids as text, numbers as numbers,
 * words as words; "extra" by vendor, without the values of secrets. */
VMF_MUST_CHECK enum vmf_code vmf_machine_value(const struct vmf_machine *machine,
                                               struct vmf_value *parent, struct vmf_error *error);

#endif
