/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a machine is known by: uuid.bios (see vmf_vmware_uuid), and vm.genid and vm.genidX, the two
 * halves of the generation id in the guest's memory, little-endian, as signed decimal numbers. */
#include "vmx_identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "text.h"

bool vmx_octets(const char *text, uint8_t octets[16])
{
  unsigned count = 0;

  for (; *text; text++) {
    int digit = vmf_hex_digit(*text);
    if (digit < 0 && (*text == ' ' || *text == '-') && count % 2 == 0)
      continue;
    if (digit < 0 || count == 32)
      return false;
    octets[count / 2] = (uint8_t)(octets[count / 2] << 4 | digit);
    count++;
  }
  return count == 32;
}

void vmx_octets_text(const uint8_t octets[16], char text[VMX_OCTETS_TEXT])
{
  for (unsigned i = 0; i < 16; i++)
    snprintf(text + 3 * i, 4, "%02x%c", octets[i], i == 7 ? '-' : ' ');
  text[3 * 16 - 1] = 0;
}

static void vmx_read_uuid(struct vmx_reader *reader)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "uuid.bios");
  struct vmf_told_id *uuid = &reader->machine->uuid;
  uint8_t octets[16] = {0};

  if (!setting)
    return;
  if (!vmx_octets(setting->value, octets)) {
    vmx_odd(reader, setting, "vmx-uuid",
            "uuid.bios is \"%.60s\", not sixteen octets in hexadecimal; the machine gets a new one",
            setting->value);
    return;
  }
  setting->taken = true;
  vmf_vmware_uuid(reader->hardware, octets, uuid->bytes);
  uuid->told = true;
  uuid->line = setting->line;
}

static void vmx_read_genid(struct vmx_reader *reader)
{
  struct vmx_setting *low = vmx_find(&reader->text, "vm.genid");
  struct vmx_setting *high = vmx_find(&reader->text, "vm.genidX");
  struct vmf_told_id *genid = &reader->machine->genid;
  int64_t halves[2];

  if (!low && !high)
    return;
  if (!low || !high || !vmx_signed(low->value, &halves[0]) ||
      !vmx_signed(high->value, &halves[1])) {
    vmx_odd(reader, low ? low : high, "vmx-genid",
            "vm.genid and vm.genidX are not two numbers; the generation id is not taken");
    return;
  }
  low->taken = high->taken = true;
  put_le64(genid->bytes, (uint64_t)halves[0]);
  put_le64(genid->bytes + 8, (uint64_t)halves[1]);
  genid->told = true;
  genid->line = low->line;
}

enum vmf_code vmx_read_identity(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *version = vmx_find(&reader->text, "virtualHW.version");
  uint64_t number;

  if (version) {
    VMF_TRY(vmx_number(&reader->text, version, 1, 999, &number, error));
    version->taken = true;
    reader->hardware = (unsigned)number;
    VMF_TRY(vmf_machine_format_text(reader->machine, version->line, &reader->machine->hw_version,
                                    error, "vmx-%u", reader->hardware));
  }
  vmx_read_uuid(reader);
  vmx_read_genid(reader);
  return VMF_OK;
}
