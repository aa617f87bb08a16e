/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Looking into VirtualBox's XML, and the order of the parts. */
#include "vbox_hardware.h"

#include <stdio.h>
#include <string.h>

#include "guid.h"

/* ---- looking ---- */

bool vmf_vbox_is(const xmlNode *element, const char *name)
{
  return strcmp((const char *)element->name, name) == 0;
}

const xmlNode *vmf_vbox_child(const xmlNode *parent, const char *name)
{
  return parent ? vmf_xml_child(parent, NULL, name) : NULL;
}

const xmlNode *vmf_vbox_next(const xmlNode *element)
{
  return element->next ? vmf_xml_find(element->next, NULL, (const char *)element->name) : NULL;
}

/* ---- values ---- */

static enum vmf_code refuse(const struct vmf_taking *taking, const xmlNode *element,
                            const char *name, const char *value, const char *accepted,
                            struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: %s of <%s> is \"%.60s\": accepted is %s",
                  taking->name, vmf_xml_line(element), name, (const char *)element->name, value,
                  accepted);
}

enum vmf_code vmf_vbox_flag(const struct vmf_taking *taking, const xmlNode *element,
                            const char *name, bool silent, bool *flag, struct vmf_error *error)
{
  struct vmf_told_number number;
  struct vmf_told_text text;

  VMF_TRY(vmf_taking_word(taking, element, name, vmf_vbox_flags, &number, error));
  *flag = number.told ? number.value != 0 : silent;
  if (number.told)
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(taking, element, name, &text, error));
  return text.text ? refuse(taking, element, name, text.text, "true or false", error) : VMF_OK;
}

enum vmf_code vmf_vbox_number(const struct vmf_taking *taking, const xmlNode *element,
                              const char *name, uint64_t most, struct vmf_told_number *number,
                              struct vmf_error *error)
{
  struct vmf_told_text text;
  struct vmf_error why;

  VMF_TRY(vmf_taking_peek(taking, element, name, &text, error));
  if (vmf_taking_parse(taking, &text, name, most, number, &why) != VMF_OK)
    vmf_report_add(taking->report, VMF_SEVERITY_WARNING, "vbox-number", taking->name, text.line,
                   "%s of <%s> is \"%.40s\", which is left out of account: accepted is a number "
                   "from 0 to %llu",
                   name, (const char *)element->name, text.text, (unsigned long long)most);
  else if (number->told)
    vmf_taking_mark(taking, element, name);
  return VMF_OK;
}

enum vmf_code vmf_vbox_slot(const struct vmf_taking *taking, const xmlNode *element, size_t number,
                            struct vmf_error *error)
{
  struct vmf_told_text text;
  char own[24];

  VMF_TRY(vmf_taking_peek(taking, element, "slot", &text, error));
  snprintf(own, sizeof own, "%zu", number);
  if (text.text && strcmp(text.text, own) == 0)
    vmf_taking_mark(taking, element, "slot");
  return VMF_OK;
}

enum vmf_code vmf_vbox_uuid(const struct vmf_taking *taking, const xmlNode *element,
                            const char *name, struct vmf_told_id *id, struct vmf_error *error)
{
  char plain[VMF_GUID_TEXT];
  struct vmf_told_text text;

  *id = (struct vmf_told_id){0};
  VMF_TRY(vmf_taking_attribute(taking, element, name, &text, error));
  if (!text.text)
    return VMF_OK;
  bool braces = text.text[0] == '{' && text.text[strlen(text.text) - 1] == '}';
  size_t length = strlen(text.text) - (braces ? 2 : 0);
  if (length + 1 == sizeof plain) {
    memcpy(plain, text.text + braces, length);
    plain[length] = '\0';
  }
  if (length + 1 != sizeof plain || !vmf_guid_parse(plain, id->bytes))
    return refuse(taking, element, name, text.text,
                  "a UUID: {6ba7b810-9dad-11d1-80b4-00c04fd430c8}", error);
  id->told = true;
  id->line = text.line;
  return VMF_OK;
}

/* ---- all ---- */

enum vmf_code vmf_vbox_read_hardware(const struct vmf_vbox_reading *reading, const xmlNode *holder,
                                     struct vmf_error *error)
{
  const xmlNode *hardware = vmf_vbox_child(holder, "Hardware");

  vmf_taking_take(&reading->taking, hardware);
  VMF_TRY(vmf_vbox_read_system(reading, holder, hardware, error));
  VMF_TRY(vmf_vbox_read_storage(reading, holder, hardware, error));
  VMF_TRY(vmf_vbox_read_cards(reading, hardware, error));
  return vmf_vbox_read_devices(reading, hardware, error);
}
