/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What no machine can have is not told by any, whatever its format: writers need not ask again. */
#include <inttypes.h>
#include <stddef.h>

#include "machine_format.h"

struct amount {
  size_t offset; /* in struct vmf_machine */
  const char *what;
};

#define AMOUNT(member, what)                                                                       \
  {                                                                                                \
    offsetof(struct vmf_machine, member), what                                                     \
  }

/* Of these a machine has some. */
static const struct amount amounts[] = {
    AMOUNT(vcpus, "processors"),
    AMOUNT(vcpus_online, "processors when it starts"),
    AMOUNT(sockets, "sockets"),
    AMOUNT(dies, "dies"),
    AMOUNT(cores, "cores"),
    AMOUNT(threads, "threads"),
    AMOUNT(memory, "bytes of memory"),
    AMOUNT(memory_least, "bytes of memory at least"),
    AMOUNT(memory_most, "bytes of memory at most"),
};

static void leave_out(struct vmf_told_number *number, const char *name, const char *what,
                      const char *expected, struct vmf_report *report)
{
  vmf_report_add(report, VMF_SEVERITY_WARNING, "machine-amount", name, number->line,
                 "%" PRIu64 " %s, expected %s; it is left out", number->value, what, expected);
  *number = (struct vmf_told_number){0};
}

void vmf_machine_settle(struct vmf_machine *machine, const char *name, struct vmf_report *report)
{
  for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
    struct vmf_told_number *number = (void *)((char *)machine + amounts[i].offset);
    if (number->told && number->value == 0)
      leave_out(number, name, amounts[i].what, "more than none", report);
  }
  if (vmf_told_or(machine->vcpus_online, 1) > vmf_told_or(machine->vcpus, 1))
    leave_out(&machine->vcpus_online, name, "processors when it starts",
              "no more than the machine has", report);
  if (machine->memory.told && vmf_told_or(machine->memory_least, 0) > machine->memory.value)
    leave_out(&machine->memory_least, name, "bytes of memory at least",
              "no more than the machine has", report);
}

enum vmf_code vmf_machine_read(const struct vmf_machine_format *format,
                               const struct vmf_machine_source *source, struct vmf_machine *machine,
                               struct vmf_report *report, struct vmf_error *error)
{
  VMF_TRY(format->read(source, machine, report, error));
  vmf_machine_settle(machine, source->name, report);
  return VMF_OK;
}
