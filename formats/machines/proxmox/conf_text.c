/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "conf_text.h"

#include <string.h>

#include "list.h"
#include "memory.h"
#include "text.h"
#include "utf8.h"

#define KEY_FIRST "abcdefghijklmnopqrstuvwxyz"
#define KEY_REST KEY_FIRST "_-"
#define DIGITS "0123456789"

/* ---- escapes ---- */

static bool is_text(const char *text)
{
  for (size_t left = strlen(text), length; left > 0; text += length, left -= length) {
    uint32_t character;
    length = vmf_utf8_get(text, left, &character);
    if (length == 0 || (character < 32 && character != '\t' && character != '\n') ||
        character == 127)
      return false;
  }
  return true;
}

static void unescape(const char *in, char *out)
{
  for (; *in; out++) {
    int high = in[0] == '%' ? vmf_hex_digit(in[1]) : -1;
    int low = high >= 0 ? vmf_hex_digit(in[2]) : -1;
    *out = (char)(low >= 0 ? high << 4 | low : *in);
    in += low >= 0 ? 3 : 1;
  }
  *out = '\0';
}

bool conf_unescape(char *text)
{
  struct vmf_error ignored;
  VMF_AUTO_FREE char *copy = NULL;

  if (vmf_copy_text(text, &copy, &ignored) != VMF_OK || strstr(text, "%00"))
    return false;
  unescape(text, copy);
  if (!is_text(copy))
    return false;
  memcpy(text, copy, strlen(copy) + 1);
  return true;
}

/* ---- what a line adds ---- */

static struct conf_section *last_section(struct conf_text *text)
{
  return &text->sections[text->section_count - 1];
}

static enum vmf_code add_section(struct conf_text *text, const char *name, unsigned line,
                                 struct vmf_error *error)
{
  if (text->section_count == CONF_SECTIONS)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: more than %d sections", text->name, line,
                    CONF_SECTIONS);
  VMF_TRY(
      VMF_LIST_ROOM(text->sections, text->section_count, text->section_room, "sections", error));
  text->sections[text->section_count++] =
      (struct conf_section){.name = name, .line = line, .first = text->setting_count};
  return VMF_OK;
}

/* Of two settings of one key the last one counts, as with Proxmox. */
static enum vmf_code add_setting(struct conf_text *text, const char *key, const char *value,
                                 unsigned line, struct vmf_error *error)
{
  struct conf_section *section = last_section(text);
  struct conf_setting *there = conf_find(text, section, key);

  if (there) {
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "proxmox-twice", text->name, line,
                   "%s is set a second time, first in line %u: this one counts", key, there->line);
    *there = (struct conf_setting){.key = key, .value = value, .line = line};
    return VMF_OK;
  }
  if (text->setting_count == CONF_SETTINGS)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: more than %d settings", text->name, line,
                    CONF_SETTINGS);
  VMF_TRY(
      VMF_LIST_ROOM(text->settings, text->setting_count, text->setting_room, "settings", error));
  text->settings[text->setting_count++] =
      (struct conf_setting){.key = key, .value = value, .line = line};
  section->count++;
  return VMF_OK;
}

/* Behind the lines of the section that came before; there is room for the whole file. */
static void add_note(struct conf_text *text, char *note, unsigned line)
{
  struct conf_section *section = last_section(text);
  size_t length;

  if (!conf_unescape(note))
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "proxmox-escape", text->name, line,
                   "the escapes of this line of the description are no text: it stays as it is");
  length = strlen(note);
  if (section->description)
    text->notes[text->notes_used - 1] = '\n';
  else {
    section->description = text->notes + text->notes_used;
    section->description_line = line;
  }
  memcpy(text->notes + text->notes_used, note, length + 1);
  text->notes_used += length + 1;
}

/* "map:scsi0:drive-scsi0:local-lvm:raw:" */
static enum vmf_code add_map(struct conf_text *text, char *words, unsigned line,
                             struct vmf_error *error)
{
  char *key = strncmp(words, "map:", 4) == 0 ? words + 4 : NULL;
  char *device = key ? strchr(key, ':') : NULL, *end = device ? strchr(device + 1, ':') : NULL;

  if (!end || device == key || end == device + 1) {
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "proxmox-line", text->name, line,
                   "\"#qmdump#%.60s\" is not #qmdump#map:DRIVE:DEVICE:STORAGE:FORMAT:", words);
    return VMF_OK;
  }
  *device = *end = '\0';
  VMF_TRY(VMF_LIST_ROOM(text->maps, text->map_count, text->map_room, "drives", error));
  text->maps[text->map_count++] = (struct conf_map){key, device + 1};
  return VMF_OK;
}

static enum vmf_code take_comment(struct conf_text *text, char *comment, unsigned line,
                                  struct vmf_error *error)
{
  if (strncmp(comment, "qmdump#", 7) == 0)
    return add_map(text, comment + 7, line, error);
  if (strncmp(comment, "vzdump#", 7) != 0)
    add_note(text, comment, line);
  return VMF_OK;
}

/* ---- lines ---- */

/* What stands in brackets is a snapshot's name, or changes and states that are none of a machine
 * as it is. */
static enum vmf_code take_header(struct conf_text *text, char *name, unsigned line, bool *skip,
                                 struct vmf_error *error)
{
  char *end = strrchr(name, ']');

  if (end)
    *end = '\0';
  *skip = !end || strcmp(name, "PENDING") == 0 ||
          !strchr(KEY_FIRST "ABCDEFGHIJKLMNOPQRSTUVWXYZ", name[0]) || name[0] == '\0' ||
          name[strspn(name, KEY_REST DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0';
  if (*skip) {
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "proxmox-section", text->name, line,
                   "the settings of [%.60s] are none of the machine as it is: they are left out",
                   name);
    return VMF_OK;
  }
  if (conf_section(text, name))
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "proxmox-twice", text->name, line,
                   "there are two sections [%.60s]: the last one counts", name);
  return add_section(text, name, line, error);
}

static enum vmf_code take_setting(struct conf_text *text, char *line, unsigned number,
                                  struct vmf_error *error)
{
  size_t letters = strspn(line, KEY_REST), length = letters + strspn(line + letters, DIGITS);
  char *value = line + length + 1;

  if (letters == 0 || line[length] != ':' || !strchr(KEY_FIRST, line[0])) {
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "proxmox-line", text->name, number,
                   "\"%.60s\" is no setting (KEY: VALUE): it is left out", line);
    return VMF_OK;
  }
  line[length] = '\0';
  value += strspn(value, " \t");
  if (strcmp(line, "description") == 0) {
    add_note(text, value, number);
    return VMF_OK;
  }
  return add_setting(text, line, value, number, error);
}

static enum vmf_code take_line(struct conf_text *text, char *line, unsigned number, bool *skip,
                               struct vmf_error *error)
{
  size_t length = strlen(line);

  while (length > 0 && strchr(" \t\r", line[length - 1]))
    line[--length] = '\0';
  if (line[0] == '[')
    return take_header(text, line + 1, number, skip, error);
  if (*skip || length == 0)
    return VMF_OK;
  return line[0] == '#' ? take_comment(text, line + 1, number, error)
                        : take_setting(text, line, number, error);
}

static enum vmf_code copy_text(struct conf_text *text, const void *bytes, size_t length,
                               struct vmf_error *error)
{
  if (length > CONF_FILE)
    return vmf_fail(error, VMF_LIMIT, "%s: %zu bytes, at most %d are taken for a configuration",
                    text->name, length, CONF_FILE);
  if (memchr(bytes, 0, length))
    return vmf_fail(error, VMF_CORRUPT, "%s: has NUL bytes, and is no configuration of Proxmox",
                    text->name);
  if (vmf_text_to_utf8("UTF-8", bytes, length, &text->bytes, error) != VMF_OK) {
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "proxmox-encoding", text->name, 0,
                   "is not in UTF-8, and is taken as ISO-8859-1");
    VMF_TRY(vmf_text_to_utf8("ISO-8859-1", bytes, length, &text->bytes, error));
  }
  return vmf_copy_text(text->bytes, &text->notes, error);
}

enum vmf_code conf_parse(const char *name, const void *bytes, size_t length,
                         struct vmf_report *report, struct conf_text *text, struct vmf_error *error)
{
  bool skip = false;
  unsigned number = 1;

  text->name = name;
  text->report = report;
  VMF_TRY(copy_text(text, bytes, length, error));
  VMF_TRY(add_section(text, NULL, 0, error));
  for (char *line = text->bytes, *end; line; line = end, number++) {
    end = strchr(line, '\n');
    if (end)
      *end++ = '\0';
    VMF_TRY(take_line(text, line, number, &skip, error));
  }
  return VMF_OK;
}

void conf_clear(struct conf_text *text)
{
  vmf_free(text->bytes);
  vmf_free(text->notes);
  vmf_free(text->settings);
  vmf_free(text->sections);
  vmf_free(text->maps);
}

/* ---- what it holds ---- */

const struct conf_section *conf_section(const struct conf_text *text, const char *name)
{
  for (size_t i = text->section_count; i-- > 1;)
    if (strcmp(text->sections[i].name, name) == 0)
      return &text->sections[i];
  return NULL;
}

struct conf_setting *conf_find(const struct conf_text *text, const struct conf_section *section,
                               const char *key)
{
  for (size_t i = section->first; i < section->first + section->count; i++)
    if (strcmp(text->settings[i].key, key) == 0)
      return &text->settings[i];
  return NULL;
}

const char *conf_device(const struct conf_text *text, const char *key)
{
  for (size_t i = 0; i < text->map_count; i++)
    if (strcmp(text->maps[i].key, key) == 0)
      return text->maps[i].device;
  return NULL;
}
