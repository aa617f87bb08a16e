/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One target a machine format: the input is read as the text of a machine; what stands
 * behind a line of "----" is any file beside it. What is read is written in all formats, and what
 * its own format writes can be read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bytes.h"
#include "checked.h"
#include "fuzz.h"
#include "machine_format.h"
#include "memory.h"
#include "models.h"
#include "value.h"

static const char separator[] = "\n----\n";

static void must(bool holds)
{
  if (!holds)
    abort();
}

static enum vmf_code beside(const struct vmf_machine_source *source, const char *name, size_t limit,
                            char **bytes, size_t *length, struct vmf_error *error)
{
  const char *all = source->data;
  size_t stands = strlen(all);

  must(strchr(name, '/') == NULL);
  *bytes = NULL;
  if (!*all)
    return VMF_OK;
  *length = stands < limit ? stands : limit;
  return vmf_copy_bytes(all, *length, bytes, error);
}

static void show(const struct vmf_machine *machine)
{
  struct vmf_value *root;
  struct vmf_error error;

  must(vmf_value_new(&root, &error) == VMF_OK);
  must(vmf_machine_value(machine, root, &error) == VMF_OK);
  vmf_value_free(root);
}

static void read_again(const struct vmf_machine_format *format, const char *text, size_t length)
{
  struct vmf_machine_source source = {.name = "again", .bytes = text, .length = length};
  struct vmf_machine *machine;
  struct vmf_error error;

  must(vmf_machine_new(&machine, &error) == VMF_OK);
  enum vmf_code code = vmf_machine_read(format, &source, machine, NULL, &error);
  if (code != VMF_OK && code != VMF_LIMIT) {
    fprintf(stderr, "%s cannot read what it wrote: %s\n", format->name, error.text);
    abort();
  }
  vmf_machine_free(machine);
}

static void write_all(const struct vmf_machine_format *own, const struct vmf_machine *machine,
                      bool copy)
{
  struct fuzz_target_disks made = fuzz_target_disks_make(machine);
  struct vmf_machine_target target = {
      .name = "fuzz", .disks = made.disks, .disk_count = machine->disk_count, .copy = copy};

  for (const struct vmf_machine_format *const *format = vmf_machine_formats; *format; format++) {
    struct vmf_error error;
    char *text = NULL;
    size_t length;

    if (!(*format)->write ||
        (*format)->write(machine, &target, NULL, &text, &length, &error) != VMF_OK)
      continue;
    if (*format == own)
      read_again(own, text, length);
    vmf_free(text);
  }
  fuzz_target_disks_free(&made);
}

/* ---- a .vmcx, whose every record has a CRC ---- */

enum { VMCX_PAGE = 0x1000, VMCX_HEADER = 46, VMCX_OBJECT = 18, VMCX_TABLE = 10, VMCX_ENTRY = 21 };

static void mend_record(uint8_t *bytes, size_t size, uint64_t start, uint64_t length, size_t at)
{
  if (!vmf_range_within(start, length, size))
    return;
  put_le32(bytes + start + at, 0);
  put_le32(bytes + start + at, (uint32_t)crc32(0, bytes + start, (uInt)length));
}

static void mend_table(uint8_t *bytes, size_t size, uint64_t start, uint64_t length)
{
  uint64_t at = start + VMCX_TABLE, end = start + length;

  if (!vmf_range_within(start, length, size))
    return;
  mend_record(bytes, size, start, VMCX_TABLE, 6);
  while (at + VMCX_ENTRY <= end) {
    uint32_t step = get_le32(bytes + at + 2);
    if (step < VMCX_ENTRY || step > end - at)
      return;
    mend_record(bytes, size, at, step, 12);
    at += step;
  }
}

/* A mutated record almost never has a right CRC: on half of the inputs they are made right. */
static void mend_vmcx(uint8_t *bytes, size_t size)
{
  if (size % 2 || size < 3 * VMCX_PAGE || get_le32(bytes) != 0x01282014)
    return;
  mend_record(bytes, size, 0, VMCX_HEADER, 4);
  mend_record(bytes, size, VMCX_PAGE, VMCX_HEADER, 4);
  for (uint64_t at = 2 * VMCX_PAGE + 8; at + VMCX_OBJECT <= 3 * VMCX_PAGE; at += VMCX_OBJECT) {
    mend_record(bytes, size, at, VMCX_OBJECT, 1);
    if (bytes[at] == 2)
      mend_table(bytes, size, get_le64(bytes + at + 5), get_le32(bytes + at + 13));
  }
}

void fuzz_machine(const char *name, const uint8_t *data, size_t size)
{
  const struct vmf_machine_format *format = vmf_machine_format_find(name);
  char *text = malloc(size + 1), *cut;
  struct vmf_machine *machine;
  struct vmf_error error;

  memcpy(text, data, size);
  text[size] = 0;
  mend_vmcx((uint8_t *)text, size);
  cut = strstr(text, separator);
  struct vmf_machine_source source = {.name = "fuzz",
                                      .bytes = text,
                                      .length = cut ? (size_t)(cut - text) : size,
                                      .snapshot = cut ? "1" : NULL,
                                      .beside = beside,
                                      .data = cut ? cut + sizeof separator - 1 : ""};
  format->probe(data, size < VMF_MACHINE_HEAD ? size : VMF_MACHINE_HEAD);
  must(vmf_machine_new(&machine, &error) == VMF_OK);
  if (vmf_machine_read(format, &source, machine, NULL, &error) == VMF_OK) {
    show(machine);
    write_all(format, machine, cut != NULL);
  }
  vmf_machine_free(machine);
  free(text);
}
