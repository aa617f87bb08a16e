/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The PowerShell script that imports a machine into Hyper-V: one command a line, behind a preamble
 * that is always the same. A text is written as an expression in ASCII: parts between single
 * quotes, in which only the quote is doubled, and [char] of everything that is not printable ASCII,
 * so that neither a quote of another kind, nor a line end, nor the encoding that the file is read
 * in can end it. */
#ifndef FORMATS_HYPERV_HYPERV_SCRIPT_H
#define FORMATS_HYPERV_HYPERV_SCRIPT_H

#include "hyperv.h"

#define HYPERV_SCRIPT_HEAD "# Imports a virtual machine into Hyper-V"
#define HYPERV_SCRIPT_START "# ---- the machine ----"

extern const char hyperv_preamble[]; /* ends with HYPERV_SCRIPT_START and a line end */

struct hyperv_script {
  const struct vmf_machine *machine;
  const struct vmf_machine_target *target;
  const struct vmf_machine_losses *losses;
  struct hyperv_seat *seats; /* of machine->disks; owned */
  bool efi;
  char *text; /* owned */
  size_t length, room;
};

/* Where a drive goes. */
struct hyperv_seat {
  bool taken, ide; /* not taken: the drive is left out */
  unsigned controller, unit;
};

#define hyperv_lose(script, weight, code, why, ...)                                                \
  vmf_machine_lose((script)->losses, VMF_LOSS_##weight, code, why, __VA_ARGS__)

/* printf of what needs no quotes. */
VMF_MUST_CHECK enum vmf_code hyperv_put(struct hyperv_script *script, struct vmf_error *error,
                                        const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A text as an expression in parentheses. */
VMF_MUST_CHECK enum vmf_code hyperv_put_text(struct hyperv_script *script, const char *text,
                                             struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code hyperv_seat_drives(struct hyperv_script *script,
                                                struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code hyperv_write(const struct vmf_machine *machine,
                                          const struct vmf_machine_target *target,
                                          const struct vmf_machine_losses *losses, char **text,
                                          size_t *length, struct vmf_error *error);

bool hyperv_is_script(const void *bytes, size_t length);
/* Reads what hyperv_write wrote, and nothing else: VMF_UNSUPPORTED names the line. */
VMF_MUST_CHECK enum vmf_code hyperv_read_script(const struct vmf_machine_source *source,
                                                struct vmf_machine *machine,
                                                struct vmf_error *error);

#endif
