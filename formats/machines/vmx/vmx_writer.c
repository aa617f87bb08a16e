/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmx_writer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "text.h"

/* ---- text that grows ---- */

static enum vmf_code reserve(struct vmx_writer *writer, size_t more, struct vmf_error *error)
{
  void *block = NULL;

  if (writer->room - writer->length > more)
    return VMF_OK;
  VMF_TRY(vmf_alloc(2 * (writer->room + more) + 1, &block, error));
  if (writer->length > 0)
    memcpy(block, writer->text, writer->length);
  vmf_free(writer->text);
  writer->text = block;
  writer->room = 2 * (writer->room + more) + 1;
  return VMF_OK;
}

static void small_letters(const char *key, char small[VMX_KEY])
{
  size_t length = 0;

  for (; key[length] && length < VMX_KEY - 1; length++)
    small[length] =
        (char)(key[length] >= 'A' && key[length] <= 'Z' ? key[length] | 0x20 : key[length]);
  small[length] = 0;
}

static enum vmf_code add_line(struct vmx_writer *writer, const char *key, const char *value,
                              struct vmf_error *error)
{
  VMF_AUTO_FREE char *escaped = NULL;

  VMF_TRY(vmx_escape(value, &escaped, error));
  VMF_TRY(reserve(writer, strlen(key) + strlen(escaped) + 8, error));
  writer->length += (size_t)sprintf(writer->text + writer->length, "%s = \"%s\"\n", key, escaped);
  return VMF_OK;
}

static enum vmf_code put_line(struct vmx_writer *writer, const char *key, const char *value,
                              struct vmf_error *error)
{
  char small[VMX_KEY];

  small_letters(key, small);
  VMF_TRY(vmf_names_add(&writer->keys, small, strcmp(value, "TRUE") == 0, error));
  return add_line(writer, key, value, error);
}

#define FORMAT_KEY(key, format)                                                                    \
  do {                                                                                             \
    va_list values;                                                                                \
    va_start(values, format);                                                                      \
    vsnprintf(key, sizeof key, format, values);                                                    \
    va_end(values);                                                                                \
  } while (0)

enum vmf_code vmx_put(struct vmx_writer *writer, struct vmf_error *error, const char *value,
                      const char *format, ...)
{
  char key[VMX_KEY];

  FORMAT_KEY(key, format);
  return put_line(writer, key, value, error);
}

enum vmf_code vmx_put_number(struct vmx_writer *writer, struct vmf_error *error, uint64_t value,
                             const char *format, ...)
{
  char key[VMX_KEY], number[24];

  FORMAT_KEY(key, format);
  snprintf(number, sizeof number, "%" PRIu64, value);
  return put_line(writer, key, number, error);
}

enum vmf_code vmx_put_flag(struct vmx_writer *writer, struct vmf_error *error, bool value,
                           const char *format, ...)
{
  char key[VMX_KEY];

  FORMAT_KEY(key, format);
  return put_line(writer, key, value ? "TRUE" : "FALSE", error);
}

enum vmf_code vmx_put_told_flag(struct vmx_writer *writer, struct vmf_error *error,
                                struct vmf_told_number value, const char *format, ...)
{
  char key[VMX_KEY];

  if (!value.told)
    return VMF_OK;
  FORMAT_KEY(key, format);
  return put_line(writer, key, value.value ? "TRUE" : "FALSE", error);
}

/* ---- what was kept ---- */

/* "scsi0:1" of "scsi0:1.fileName", in small letters. */
static void device_of(const char *key, char device[VMX_KEY])
{
  small_letters(key, device);
  device[strcspn(device, ".")] = 0;
}

static bool is_present_key(const char *key)
{
  const char *dot = strchr(key, '.');

  return dot && vmf_text_equal_nocase(dot, ".present");
}

/* A drive that is present was kept only if its controller is not. */
enum vmf_code vmx_find_hidden(struct vmx_writer *writer, struct vmf_error *error)
{
  for (size_t i = 0; i < writer->machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &writer->machine->extras[i];
    struct vmx_place place;
    char device[VMX_KEY];

    if (strcmp(extra->vendor, VMX_NAME) != 0 || !is_present_key(extra->key))
      continue;
    device_of(extra->key, device);
    bool present = vmf_text_equal_nocase(extra->value, "true");
    if (!present || (vmx_place_of(extra->key, &place) && place.has_unit))
      VMF_TRY(vmf_names_add(&writer->hidden, device, present, error));
  }
  vmf_names_sort(&writer->hidden);
  return VMF_OK;
}

static bool is_hidden(const struct vmx_writer *writer, const char *key)
{
  char device[VMX_KEY];

  device_of(key, device);
  return vmf_names_find(&writer->hidden, device) != NULL;
}

static const char *find_kept(const struct vmx_writer *writer, const char *key)
{
  const struct vmf_machine *machine = writer->machine;

  if (is_hidden(writer, key) && !is_present_key(key))
    return NULL;
  for (size_t i = 0; i < machine->extra_count; i++)
    if (strcmp(machine->extras[i].vendor, VMX_NAME) == 0 &&
        vmf_text_equal_nocase(machine->extras[i].key, key))
      return machine->extras[i].value;
  return NULL;
}

const char *vmx_kept(const struct vmx_writer *writer, const char *format, ...)
{
  char key[VMX_KEY];

  FORMAT_KEY(key, format);
  return find_kept(writer, key);
}

enum vmf_code vmx_put_kept(struct vmx_writer *writer, struct vmf_error *error, const char *value,
                           const char *format, ...)
{
  char key[VMX_KEY];
  const char *kept;

  FORMAT_KEY(key, format);
  kept = find_kept(writer, key);
  return put_line(writer, key, kept ? kept : value, error);
}

/* What stands as one word before the '='. */
static bool is_key(const char *key)
{
  if (!*key || *key == '#')
    return false;
  for (const unsigned char *c = (const unsigned char *)key; *c; c++)
    if (*c <= ' ' || *c == 0x7f || *c == '"' || *c == '=' || *c == '\'')
      return false;
  return true;
}

/* Settings of the file, of the place where it was, or of what ran: they would not be true of what
 * is written. */
static const char *not_again(const char *key, bool copy)
{
  static const struct {
    const char *key;
    bool prefix, only_copy;
    const char *why;
  } rows[] = {
      {".encoding", false, false, "the text is UTF-8"},
      {"config.version", false, false, "of the old file"},
      {"virtualHW.version", false, false, "of the old file"},
      {"uuid.location", false, false, "made of the folder that the machine is in"},
      {"uuid.action", false, false, "it would change the UUID"},
      {"vc.uuid", false, false, "the machine's id in its vCenter"},
      {"nvram", false, false, "the firmware's variables stay behind"},
      {"extendedConfigFile", false, false, "a file that stays behind"},
      {"checkpoint.", true, false, "the saved state stays behind"},
      {"snapshot.", true, false, "the snapshots stay behind"},
      {"migrate.", true, false, "of the host that the machine was on"},
      {"sched.swap.derivedName", false, false, "a file of the host that the machine was on"},
      {"workingDir", false, false, "a folder of the host that the machine was on"},
      {"log.fileName", false, false, "a file of the host that the machine was on"},
      {"encryption.", true, false, "what is written is not encrypted"},
      {"vtpm.", true, false, "the TPM stays behind"},
      {"vmci0.id", false, true, "a copy gets one of its own"},
      {"vm.genid", true, true, "a copy gets one of its own"},
  };
  static const char *const ends[] = {".redo", ".generatedAddress", ".generatedAddressOffset"};

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char start[VMX_KEY];
    snprintf(start, sizeof start, "%.*s",
             (int)(rows[i].prefix ? strlen(rows[i].key) : sizeof start - 1), key);
    if (vmf_text_equal_nocase(start, rows[i].key) && (copy || !rows[i].only_copy))
      return rows[i].why;
  }
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
    if (strlen(key) > strlen(ends[i]) &&
        vmf_text_equal_nocase(key + strlen(key) - strlen(ends[i]), ends[i]))
      return i == 0 ? "a file that stays behind" : "the address is written as a fixed one";
  return NULL;
}

/* After writer->keys was sorted. */
static bool is_written(const struct vmx_writer *writer, const char *device)
{
  char key[VMX_KEY + 8];
  const struct vmf_name *name;

  snprintf(key, sizeof key, "%s.present", device);
  name = vmf_names_find(&writer->keys, key);
  return name && name->line;
}

/* Whether a setting of a device that was not there would become one of another that is there now.
 */
static bool would_appear(const struct vmx_writer *writer, const char *key)
{
  const struct vmf_name *hidden;
  char device[VMX_KEY];

  device_of(key, device);
  hidden = vmf_names_find(&writer->hidden, device);
  if (!hidden || is_written(writer, device))
    return hidden != NULL;
  device[strcspn(device, ":")] = 0;
  return hidden->line && is_written(writer, device);
}

/* Whether it becomes a line that VMware reads. */
static enum vmf_code is_short(const struct vmf_machine_extra *extra, bool *fits,
                              struct vmf_error *error)
{
  VMF_AUTO_FREE char *escaped = NULL;

  VMF_TRY(vmx_escape(extra->value, &escaped, error));
  *fits = strlen(extra->key) + strlen(" = \"\"") + strlen(escaped) <= VMX_LINE;
  return VMF_OK;
}

enum vmf_code vmx_write_extras(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;

  vmf_names_sort(&writer->keys);
  for (size_t i = 0; i < machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &machine->extras[i];
    const char *why = not_again(extra->key, writer->target->copy);
    char small[VMX_KEY];
    bool fits;

    if (strcmp(extra->vendor, VMX_NAME) != 0)
      continue;
    small_letters(extra->key, small);
    if (extra->secret && !extra->given)
      why = "passwords are not written";
    else if (!is_key(extra->key))
      why = "it is no key of a .vmx";
    else if (!why && would_appear(writer, extra->key))
      why = "another device has the place of this one, which was not in the machine";
    VMF_TRY(is_short(extra, &fits, error));
    if (!why && !fits) {
      vmx_lose(writer, BEHAVIOUR, "L-extra", "a line of a .vmx has at most 64 KiB", "extra.%s",
               extra->key);
      continue;
    }
    if (why && extra->value[0])
      vmx_lose(writer, NONE, extra->secret ? "L-secret-dropped" : "L-extra", why, "extra.%s",
               extra->key);
    if (!why && !vmf_names_find(&writer->keys, small))
      VMF_TRY(add_line(writer, extra->key, extra->value, error));
  }
  return VMF_OK;
}
