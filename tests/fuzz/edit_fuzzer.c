/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine with any fields is written as a text of any format, or as a package, and changed there:
 * what was asked for is read again, all else is as it was, and what is changed so once more keeps
 * every byte. Then a platform judges it, and it is moved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit_parts.h"
#include "fuzz.h"
#include "machine_format.h"
#include "memory.h"
#include "models.h"

enum { TEXT_MOST = 4 << 20 };

/* Mostly one that can be edited. */
static const struct vmf_machine_format *choose_format(struct fuzz_choices *choices)
{
  bool any = fuzz_chance(choices, 8);
  unsigned count = 0;

  for (const struct vmf_machine_format *const *format = vmf_machine_formats; *format; format++)
    count += (*format)->write && (any || (*format)->edit);
  unsigned wanted = fuzz_below(choices, count);
  for (const struct vmf_machine_format *const *format = vmf_machine_formats; *format; format++)
    if ((*format)->write && (any || (*format)->edit) && wanted-- == 0)
      return *format;
  return NULL;
}

static enum vmf_code nothing_beside(const struct vmf_machine_source *source, const char *name,
                                    size_t limit, char **bytes, size_t *length,
                                    struct vmf_error *error)
{
  (void)source, (void)name, (void)limit, (void)error;
  *bytes = NULL;
  *length = 0;
  return VMF_OK;
}

/* NULL: it has more than a machine may. */
static struct vmf_machine *read_file(const struct vmf_machine_format *format, const char *path)
{
  struct vmf_machine_source source = {.name = "vm", .beside = nothing_beside};
  struct vmf_machine *machine;
  struct vmf_error error;
  uint8_t *bytes = fuzz_scratch_read(path, TEXT_MOST, &source.length);

  bytes[source.length] = 0;
  source.bytes = bytes;
  if (vmf_machine_new(&machine, &error) != VMF_OK)
    fuzz_fault("no memory");
  enum vmf_code code = vmf_machine_read(format, &source, machine, NULL, &error);
  free(bytes);
  if (code == VMF_OK)
    return machine;
  vmf_machine_free(machine);
  if (code != VMF_LIMIT)
    fuzz_fault("%s: %s", format->name, error.text);
  return NULL;
}

/* The text with its disks beside it; false: the format cannot have such a machine. */
static bool write_file(struct fuzz_choices *choices, const struct vmf_machine_format *format,
                       struct vmf_machine *machine, char path[FUZZ_PATH])
{
  const char *const *suffixes = format->write_suffixes ? format->write_suffixes : format->suffixes;
  struct fuzz_target_disks made = fuzz_target_disks_make(machine);
  struct vmf_machine_target target = {
      .name = "vm", .disks = made.disks, .disk_count = machine->disk_count, .id = {1}};
  struct vmf_error error;
  char name[40], folder[FUZZ_PATH];
  size_t length;
  char *text;

  for (size_t i = 0; i < machine->disk_count; i++)
    if (made.disks[i].name) {
      snprintf(made.names[i], sizeof made.names[i], "disk%u.vmdk", (unsigned)(i & 0xffff));
      fuzz_small_disk(made.names[i], "vmdk", NULL);
    }
  snprintf(name, sizeof name, "vm.%s", suffixes && suffixes[0] ? suffixes[0] : "xml");
  fuzz_scratch_path("", folder);
  target.folder = fuzz_chance(choices, 2) ? folder : NULL;
  bool written = format->write(machine, &target, NULL, &text, &length, &error) == VMF_OK;
  if (written) {
    fuzz_scratch_write(name, text, length);
    fuzz_scratch_path(name, path);
    vmf_free(text);
  }
  fuzz_target_disks_free(&made);
  return written;
}

static void edit_file(struct fuzz_choices *choices, const struct vmf_machine_format *format,
                      const char *path)
{
  struct vmf_machine *before = read_file(format, path), *after = NULL;
  struct fuzz_edits edits;

  if (!before)
    return;
  fuzz_edits_choose(choices, before, &edits);
  if (fuzz_edits_make(choices, path, &edits))
    after = read_file(format, path);
  if (after)
    fuzz_edits_expect(before, after, &edits, format->name);
  vmf_machine_free(after);
  vmf_machine_free(before);
}

static void edit_text(struct fuzz_choices *choices)
{
  const struct vmf_machine_format *format = choose_format(choices);
  struct vmf_machine *machine = fuzz_machine_make(choices);
  char path[FUZZ_PATH];

  if (!fuzz_chance(choices, 8))
    machine->suspended = machine->encrypted = (struct vmf_told_number){0};
  if (write_file(choices, format, machine, path) && format->read) {
    edit_file(choices, format, path);
    if (fuzz_chance(choices, 2))
      fuzz_judge(path, fuzz_platform(choices), false);
    if (fuzz_chance(choices, 2))
      fuzz_move(choices, path, NULL);
  }
  vmf_machine_free(machine);
}

void fuzz_edit(const char *unused, const uint8_t *data, size_t size)
{
  struct fuzz_choices choices = {data, size};

  (void)unused;
  fuzz_scratch_clear();
  if (fuzz_chance(&choices, 2))
    edit_text(&choices);
  else
    fuzz_edit_package(&choices);
}
