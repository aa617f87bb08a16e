/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Checks what a person says of a machine, value by value. */
#include <stdio.h>
#include <string.h>

#include "machine_plan.h"
#include "memory.h"
#include "property.h"
#include "text.h"

enum { PROPERTIES_MAX = 10000 };

/* The character at *text, which moves behind it; 0 at the end, UINT32_MAX when it is not UTF-8. */
static uint32_t utf8_next(const unsigned char **text)
{
  static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
  const unsigned char *at = *text;
  uint32_t c = at[0];
  unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

  if (c == 0)
    return 0;
  if ((c >= 0x80 && c < 0xc2) || c > 0xf4)
    return UINT32_MAX;
  if (more > 0)
    c &= 0x3fu >> more;
  for (unsigned i = 1; i <= more; i++) {
    if ((at[i] & 0xc0) != 0x80)
      return UINT32_MAX;
    c = c << 6 | (at[i] & 0x3f);
  }
  if (c < smallest[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
    return UINT32_MAX;
  *text = at + more + 1;
  return c;
}

static bool is_control(uint32_t c, bool lines)
{
  if (lines && (c == '\n' || c == '\t' || c == '\r'))
    return false;
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffe || c == 0xffff;
}

enum vmf_code vmf_machine_check_text(const char *what, const char *text, bool lines,
                                     struct vmf_error *error)
{
  const unsigned char *at = (const unsigned char *)text;
  uint32_t c;

  while ((c = utf8_next(&at)) != 0) {
    size_t offset = (size_t)(at - (const unsigned char *)text);

    if (c == UINT32_MAX)
      return vmf_fail(error, VMF_USAGE, "%s: byte %zu is not UTF-8", what, offset + 1);
    if (is_control(c, lines))
      return vmf_fail(error, VMF_USAGE,
                      "%s: the control character 0x%02x before byte %zu: only text is accepted%s",
                      what, c, offset + 1, lines ? ", with tabs and line feeds" : ", one line");
  }
  return VMF_OK;
}

enum vmf_code vmf_machine_clean_text(const char *text, bool lines, char **clean,
                                     struct vmf_error *error)
{
  const unsigned char *at = (const unsigned char *)text;

  VMF_TRY(vmf_alloc(strlen(text) + 1, (void **)clean, error));
  for (char *out = *clean; *at;) {
    const unsigned char *start = at;
    uint32_t c = utf8_next(&at);
    if (c == UINT32_MAX)
      at++;
    if (c == UINT32_MAX || is_control(c, lines)) {
      *out++ = '?';
      continue;
    }
    memcpy(out, start, (size_t)(at - start));
    out += at - start;
  }
  return VMF_OK;
}

static enum vmf_code check_optional(const char *what, const char *text, bool lines,
                                    struct vmf_error *error)
{
  return text ? vmf_machine_check_text(what, text, lines, error) : VMF_OK;
}

static enum vmf_code check_property(const struct vmf_property_options *property,
                                    struct vmf_error *error)
{
  const char *key = property->key, *type = strchr(key, ':');
  size_t length = type ? (size_t)(type - key) : strlen(key);
  bool exists;

  if (length == 0)
    return vmf_fail(error, VMF_USAGE, "property \"%s\": a key is accepted, or KEY:TYPE", key);
  VMF_TRY(vmf_machine_check_text("the key of a property", key, false, error));
  VMF_TRY(vmf_machine_check_text("the value of a property", property->value, true, error));
  if (strcspn(key, " =\"'&<>${}") < length)
    return vmf_fail(error, VMF_USAGE,
                    "property \"%s\": a key has no blanks and none of = \" ' & < > $ { }", key);
  if (!type)
    return VMF_OK;
  if (vmf_property_is_typed(type + 1, property->value, &exists))
    return VMF_OK;
  if (exists)
    return vmf_fail(error, VMF_USAGE, "property \"%s\": \"%s\" is not of this type", key,
                    property->value);
  return vmf_fail(error, VMF_USAGE,
                  "property \"%s\": types are string, boolean, uint8, uint16, uint32, uint64, "
                  "sint8, sint16, sint32, sint64, real32, real64",
                  key);
}

static size_t key_length(const char *key)
{
  return strcspn(key, ":");
}

static enum vmf_code check_properties(const struct vmf_machine_options *machine,
                                      struct vmf_error *error)
{
  if (machine->property_count > PROPERTIES_MAX)
    return vmf_fail(error, VMF_USAGE, "%zu properties, at most %d are accepted",
                    machine->property_count, PROPERTIES_MAX);
  for (size_t i = 0; i < machine->property_count; i++) {
    const char *key = machine->properties[i].key;

    VMF_TRY(check_property(&machine->properties[i], error));
    for (size_t k = 0; k < i; k++) {
      const char *other = machine->properties[k].key;

      if (key_length(key) == key_length(other) && strncmp(key, other, key_length(key)) == 0)
        return vmf_fail(error, VMF_USAGE, "property \"%.*s\" is given twice", (int)key_length(key),
                        key);
    }
  }
  return VMF_OK;
}

static enum vmf_code check_list(const char *what, const char *const *list, size_t count,
                                struct vmf_error *error)
{
  for (size_t i = 0; i < count; i++)
    if (!list || !list[i])
      return vmf_fail(error, VMF_USAGE, "%s: number %zu of %zu is NULL", what, i + 1, count);
  return VMF_OK;
}

static enum vmf_code check_lists(const struct vmf_machine_options *machine, struct vmf_error *error)
{
  VMF_TRY(check_list("controllers", machine->controllers, machine->controller_count, error));
  VMF_TRY(check_list("eulas", machine->eulas, machine->eula_count, error));
  if (!machine->nics && machine->nic_count > 0)
    return vmf_fail(error, VMF_USAGE, "nics: there are %zu, but the list is NULL",
                    machine->nic_count);
  for (size_t i = 0; i < machine->property_count; i++)
    if (!machine->properties || !machine->properties[i].key || !machine->properties[i].value)
      return vmf_fail(error, VMF_USAGE, "properties: key or value of number %zu of %zu is NULL",
                      i + 1, machine->property_count);
  return VMF_OK;
}

enum vmf_code vmf_machine_check_texts(const struct vmf_machine_options *machine,
                                      struct vmf_error *error)
{
  VMF_TRY(check_lists(machine, error));
  VMF_TRY(check_optional("the name", machine->name, false, error));
  VMF_TRY(check_optional("the product", machine->product, false, error));
  VMF_TRY(check_optional("the vendor", machine->vendor, false, error));
  VMF_TRY(check_optional("the version", machine->version, false, error));
  VMF_TRY(check_optional("the full version", machine->full_version, false, error));
  VMF_TRY(check_optional("the annotation", machine->annotation, true, error));
  for (size_t i = 0; i < machine->eula_count; i++)
    VMF_TRY(vmf_machine_check_text("the licence text", machine->eulas[i], true, error));
  if (machine->name && !machine->name[0])
    return vmf_fail(error, VMF_USAGE, "the name is empty");
  return check_properties(machine, error);
}

enum vmf_code vmf_machine_check_mac(const char *text, char mac[18], struct vmf_error *error)
{
  const char *at = text;
  char separator = strlen(text) > 2 ? text[2] : 0;
  unsigned octet[6], any = 0;

  separator = separator == ':' || separator == '-' ? separator : 0;
  for (unsigned i = 0; i < 6; i++) {
    int high, low;

    if (i > 0 && separator && *at++ != separator)
      return vmf_fail(error, VMF_USAGE, "\"%s\" is no MAC address: 00:50:56:00:00:01", text);
    high = vmf_hex_digit(at[0]);
    low = high < 0 ? -1 : vmf_hex_digit(at[1]);
    if (low < 0)
      return vmf_fail(error, VMF_USAGE, "\"%s\" is no MAC address: 00:50:56:00:00:01", text);
    octet[i] = (unsigned)high << 4 | (unsigned)low;
    any |= octet[i];
    at += 2;
  }
  if (*at)
    return vmf_fail(error, VMF_USAGE, "\"%s\" is no MAC address: 00:50:56:00:00:01", text);
  if (!any || octet[0] & 1)
    return vmf_fail(error, VMF_USAGE, "the MAC address \"%s\" is that of no single card", text);
  snprintf(mac, 18, "%02x:%02x:%02x:%02x:%02x:%02x", octet[0] & 255, octet[1] & 255, octet[2] & 255,
           octet[3] & 255, octet[4] & 255, octet[5] & 255);
  return VMF_OK;
}

/* One family: "vmx-13", "virtualbox-2.2", "xen-3". */
static bool family_is(const char *word, size_t length, unsigned *vmx)
{
  static const char *const makers[] = {"vmx-", "virtualbox-", "xen-"};

  *vmx = 0;
  for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
    size_t prefix = strlen(makers[i]);

    if (length <= prefix || strncmp(word, makers[i], prefix) != 0)
      continue;
    if (i == 0) {
      if (length > prefix + 2 || strspn(word + prefix, "0123456789") < length - prefix)
        return false;
      *vmx = (unsigned)strtoul(word + prefix, NULL, 10);
      return *vmx > 0;
    }
    return length <= 32 && strspn(word + prefix, "0123456789.") >= length - prefix;
  }
  return false;
}

enum vmf_code vmf_machine_check_family(const char *text, char **family, unsigned *vmx,
                                       struct vmf_error *error)
{
  const char *word = text;

  *family = NULL;
  *vmx = 0;
  for (word += strspn(word, " ,"); *word; word += strspn(word, " ,")) {
    VMF_AUTO_FREE char *before = *family;
    size_t length = strcspn(word, " ,");
    unsigned version;

    *family = NULL;
    if (!family_is(word, length, &version))
      return vmf_fail(error, VMF_USAGE,
                      "hardware \"%s\": accepted are vmx-04 to vmx-99, virtualbox-2.2, xen-3 and "
                      "the like, or several with blanks between them",
                      text);
    if (version > 0)
      VMF_TRY(vmf_format(family, error, "%s%svmx-%02u", before ? before : "", before ? " " : "",
                         version));
    else
      VMF_TRY(vmf_format(family, error, "%s%s%.*s", before ? before : "", before ? " " : "",
                         (int)length, word));
    *vmx = version > *vmx ? version : *vmx;
    word += length;
  }
  if (!*family)
    return vmf_fail(error, VMF_USAGE, "hardware \"%s\": accepted is vmx-13 and the like", text);
  return VMF_OK;
}
