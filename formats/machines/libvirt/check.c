/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Values of elements that are kept as they are, but which libvirt's schema
 * refuses: such a file was never a machine's, and what is written of it would
 * be none. */
#include <string.h>

#include "reading.h"
#include "text.h"

/* "2 3 host", words; NULL: up to `most` letters, digits, dots and blanks. */
static const struct limit {
  const char *element, *attribute, *words;
  size_t most;
} limits[] = {
    {"gic", "version", " 2 3 host ", 0},
    {"boot", "loadparm", NULL, 8},
    {"bootmenu", "enable", " yes no ", 0},
    {"smbios", "mode", " emulate host sysinfo ", 0},
};

static bool keeps(const struct limit *limit, const char *value)
{
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789. ";

  if (limit->words)
    return vmf_text_has_word(limit->words, value);
  return strlen(value) <= limit->most && value[strspn(value, letters)] == '\0' && *value;
}

static enum vmf_code check_value(const struct vmf_taking *reading, const xmlNode *element,
                                 const struct limit *limit, struct vmf_error *error)
{
  struct vmf_told_text value;

  VMF_TRY(vmf_taking_peek(reading, element, limit->attribute, &value, error));
  if (!value.text || keeps(limit, value.text))
    return VMF_OK;
  if (limit->words)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: %s of <%s> is \"%.40s\": accepted are%s",
                    reading->name, value.line, limit->attribute, limit->element, value.text,
                    limit->words);
  return vmf_fail(error, VMF_CORRUPT,
                  "%s:%u: %s of <%s> is \"%.40s\": accepted are 1 to %zu "
                  "letters, digits, dots and "
                  "blanks",
                  reading->name, value.line, limit->attribute, limit->element, value.text,
                  limit->most);
}

/* The protocols that are nothing without a host. */
static enum vmf_code check_network(const struct vmf_taking *reading, const xmlNode *source,
                                   struct vmf_error *error)
{
  static const char hosts[] = " iscsi http https ftp ftps tftp ssh nfs gluster ";
  struct vmf_told_text protocol;

  VMF_TRY(vmf_taking_peek(reading, source, "protocol", &protocol, error));
  if (!protocol.text || !vmf_text_has_word(hosts, protocol.text) || libvirt_child(source, "host"))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: a <source> of the protocol %s has no <host>",
                  reading->name, protocol.line, protocol.text);
}

/* <rom enabled='no'/> says all. */
static enum vmf_code check_rom(const struct vmf_taking *reading, const xmlNode *rom,
                               struct vmf_error *error)
{
  struct vmf_told_text enabled, bar, file;

  VMF_TRY(vmf_taking_peek(reading, rom, "enabled", &enabled, error));
  VMF_TRY(vmf_taking_peek(reading, rom, "bar", &bar, error));
  VMF_TRY(vmf_taking_peek(reading, rom, "file", &file, error));
  if (!enabled.text || strcmp(enabled.text, "no") != 0 || (!bar.text && !file.text))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: a <rom> that is not enabled has a file or a bar",
                  reading->name, enabled.line);
}

enum vmf_code libvirt_check(const struct vmf_taking *reading, struct vmf_error *error)
{
  for (size_t i = 0; i < reading->xml->count; i++) {
    const xmlNode *element = reading->xml->elements[i];
    const char *name = (const char *)element->name;
    if (element->ns)
      continue;
    for (size_t j = 0; j < sizeof limits / sizeof *limits; j++)
      if (strcmp(name, limits[j].element) == 0)
        VMF_TRY(check_value(reading, element, &limits[j], error));
    if (strcmp(name, "source") == 0)
      VMF_TRY(check_network(reading, element, error));
    else if (strcmp(name, "rom") == 0)
      VMF_TRY(check_rom(reading, element, error));
  }
  return VMF_OK;
}
