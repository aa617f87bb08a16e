/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The neutral machine into a configuration: its lines, sorted as Proxmox has them, the description
 * before and the devices of a backup behind them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "proxmox_writer.h"

/* ---- values ---- */

enum vmf_code proxmox_append(char **value, struct vmf_error *error, const char *format, ...)
{
  va_list values;
  size_t used = *value ? strlen(*value) : 0;
  void *memory;

  va_start(values, format);
  int more = vsnprintf(NULL, 0, format, values);
  va_end(values);
  VMF_TRY(vmf_alloc(used + (size_t)(more > 0 ? more : 0) + 1, &memory, error));
  char *text = memory;
  if (used > 0)
    memcpy(text, *value, used);
  va_start(values, format);
  vsnprintf(text + used, (size_t)(more > 0 ? more : 0) + 1, format, values);
  va_end(values);
  vmf_free(*value);
  *value = text;
  return VMF_OK;
}

/* The name of a property of `key`; NULL: the extra is none. */
static const char *property_of(const struct vmf_machine_extra *extra, const char *key)
{
  size_t length = strlen(key);

  return strcmp(extra->vendor, PROXMOX_NAME) == 0 && strncmp(extra->key, key, length) == 0 &&
                 extra->key[length] == '.'
             ? extra->key + length + 1
             : NULL;
}

enum vmf_code proxmox_append_kept(const struct proxmox_writer *writer, const char *key,
                                  char **value, struct vmf_error *error)
{
  for (size_t i = 0; i < writer->machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &writer->machine->extras[i];
    const char *name = property_of(extra, key);
    if (name)
      VMF_TRY(proxmox_append(value, error, "%s%s=%s", *value && **value ? "," : "", name,
                             extra->value));
  }
  return VMF_OK;
}

/* ---- lines ---- */

enum vmf_code proxmox_put(struct proxmox_writer *writer, const char *key, const char *value,
                          struct vmf_error *error)
{
  if (!value || !*value)
    return VMF_OK;
  VMF_TRY(VMF_LIST_ROOM(writer->lines, writer->count, writer->room, "settings", error));
  struct proxmox_line *line = &writer->lines[writer->count];
  *line = (struct proxmox_line){0};
  VMF_TRY(vmf_copy_text(key, &line->key, error));
  if (vmf_copy_text(value, &line->value, error) != VMF_OK) {
    vmf_free(line->key);
    return VMF_NOMEM;
  }
  for (char *c = line->value; *c; c++) /* a value is one line */
    if ((unsigned char)*c < 0x20)
      *c = ' ';
  writer->count++;
  return VMF_OK;
}

enum vmf_code proxmox_put_number(struct proxmox_writer *writer, const char *key, uint64_t value,
                                 struct vmf_error *error)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, value);
  return proxmox_put(writer, key, text, error);
}

enum vmf_code proxmox_put_list(struct proxmox_writer *writer, const char *key, char **value,
                               struct vmf_error *error)
{
  enum vmf_code code = proxmox_append_kept(writer, key, value, error);

  if (code == VMF_OK)
    code = proxmox_put(writer, key, *value, error);
  vmf_free(*value);
  *value = NULL;
  return code;
}

bool proxmox_is_word(const char *text, const char *others, size_t most)
{
  size_t length = 0;

  for (; text[length]; length++)
    if (!((text[length] >= 'a' && text[length] <= 'z') ||
          (text[length] >= 'A' && text[length] <= 'Z') ||
          (text[length] >= '0' && text[length] <= '9') || strchr(others, text[length])))
      return false;
  return length > 0 && length <= most;
}

/* ---- what was kept ---- */

/* A restore drops these, or they tell of what is not written. */
static bool is_dropped(const char *key)
{
  static const char *const dropped[] = {"lock",      "parent",  "digest",   "snaptime",
                                        "snapstate", "vmstate", "efidisk0", "tpmstate0"};

  for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
    if (strcmp(dropped[i], key) == 0)
      return true;
  return strncmp(key, "unused", 6) == 0;
}

static bool is_written(const struct proxmox_writer *writer, const char *key)
{
  for (size_t i = 0; i < writer->count; i++)
    if (strcmp(writer->lines[i].key, key) == 0)
      return true;
  return false;
}

static enum vmf_code write_kept(struct proxmox_writer *writer, struct vmf_error *error)
{
  size_t own = writer->machine->extra_count;

  for (size_t i = 0; i < own; i++) {
    const struct vmf_machine_extra *extra = &writer->machine->extras[i];
    if (strcmp(extra->vendor, PROXMOX_NAME) != 0)
      continue;
    if (extra->secret)
      proxmox_lose(writer, BEHAVIOUR, "L-secret-dropped",
                   "a password is not written to a new file: set it again", "extra.%s", extra->key);
    else if (!strchr(extra->key, '.') && !is_dropped(extra->key) && !is_written(writer, extra->key))
      VMF_TRY(proxmox_put(writer, extra->key, extra->value, error));
  }
  return VMF_OK;
}

/* ---- the text ---- */

/* What Proxmox escapes, and a percent sign that would be taken for an escape. */
static bool must_escape(const char *c)
{
  unsigned char byte = (unsigned char)*c;
  return byte < 0x20 || byte >= 0x7f || byte == ':' || byte == '%';
}

enum vmf_code proxmox_append_note(char **text, const char *note, struct vmf_error *error)
{
  static const char digits[] = "0123456789ABCDEF";
  size_t length = strlen(note);
  void *memory;

  VMF_TRY(vmf_alloc(4 * length + 3, &memory, error)); /* a line end becomes two bytes */
  VMF_AUTO_FREE char *escaped = memory;
  char *out = escaped;
  *out++ = '#';
  for (const char *c = note; *c; c++) {
    if (*c == '\n') {
      *out++ = '\n';
      *out++ = '#';
    } else if (must_escape(c)) {
      *out++ = '%';
      *out++ = digits[(unsigned char)*c >> 4];
      *out++ = digits[*c & 15];
    } else {
      *out++ = *c;
    }
  }
  *out++ = '\n';
  return proxmox_append(text, error, "%s", escaped);
}

static int by_key(const void *a, const void *b)
{
  return strcmp(((const struct proxmox_line *)a)->key, ((const struct proxmox_line *)b)->key);
}

static enum vmf_code append_maps(const struct proxmox_writer *writer, char **text,
                                 struct vmf_error *error)
{
  for (size_t i = 0; writer->in_archive && i < writer->machine->disk_count; i++)
    if (writer->seats[i][0] && writer->target->disks[i].name)
      VMF_TRY(proxmox_append(text, error, "#qmdump#map:%s:%s:local:raw:\n", writer->seats[i],
                             writer->target->disks[i].name));
  return VMF_OK;
}

static enum vmf_code make_text(struct proxmox_writer *writer, char **text, struct vmf_error *error)
{
  VMF_AUTO_FREE char *body = NULL;
  size_t size = 1;
  void *memory;

  if (writer->machine->description.text)
    VMF_TRY(proxmox_append_note(text, writer->machine->description.text, error));
  qsort(writer->lines, writer->count, sizeof writer->lines[0], by_key);
  for (size_t i = 0; i < writer->count; i++)
    size += strlen(writer->lines[i].key) + strlen(writer->lines[i].value) + 3;
  VMF_TRY(vmf_alloc(size, &memory, error));
  body = memory;
  char *out = body;
  for (size_t i = 0; i < writer->count; i++)
    out += sprintf(out, "%s: %s\n", writer->lines[i].key, writer->lines[i].value);
  VMF_TRY(proxmox_append(text, error, "%s", body));
  return append_maps(writer, text, error);
}

static enum vmf_code write_all(struct proxmox_writer *writer, char **text, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(writer->machine->disk_count * sizeof *writer->seats, &memory, error));
  writer->seats = memory;
  VMF_TRY(proxmox_write_system(writer, error));
  VMF_TRY(proxmox_seat_drives(writer, error));
  VMF_TRY(proxmox_write_drives(writer, error));
  VMF_TRY(proxmox_write_cards(writer, error));
  VMF_TRY(proxmox_write_boot(writer, error));
  VMF_TRY(write_kept(writer, error));
  return make_text(writer, text, error);
}

enum vmf_code proxmox_write(const struct vmf_machine *machine,
                            const struct vmf_machine_target *target,
                            const struct vmf_machine_losses *losses, char **text, size_t *length,
                            struct vmf_error *error)
{
  struct proxmox_writer writer = {.machine = machine,
                                  .target = target,
                                  .losses = losses,
                                  .in_archive = strcmp(target->name, PROXMOX_IN_ARCHIVE) == 0};

  *text = NULL;
  enum vmf_code code = write_all(&writer, text, error);
  for (size_t i = 0; i < writer.count; i++) {
    vmf_free(writer.lines[i].key);
    vmf_free(writer.lines[i].value);
  }
  vmf_free(writer.lines);
  vmf_free(writer.seats);
  if (code != VMF_OK) {
    vmf_free(*text);
    *text = NULL;
    return code;
  }
  *length = strlen(*text);
  return VMF_OK;
}
