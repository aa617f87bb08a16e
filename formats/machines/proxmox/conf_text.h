/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of a Proxmox configuration: `key: value` a line, `#` lines with a description, sections
 * of snapshots. What stands outside of those, or is written wrongly, goes to the report. */
#ifndef FORMATS_PROXMOX_CONF_TEXT_H
#define FORMATS_PROXMOX_CONF_TEXT_H

#include "error.h"
#include "report.h"

enum {
  CONF_FILE = 1 << 20, /* bytes; real ones have a few thousand */
  CONF_SETTINGS = 10000,
  CONF_SECTIONS = 1000,
};

struct conf_setting { /* texts belong to the conf_text */
  const char *key, *value;
  unsigned line;
  bool taken; /* it has a place in the machine */
};

/* The machine, or a snapshot of it. */
struct conf_section {
  const char *name;        /* NULL: the machine */
  const char *description; /* lines joined by '\n'; NULL: none */
  unsigned line, description_line;
  size_t first, count; /* of its settings */
};

/* A line of a backup: which device of the archive a drive is. */
struct conf_map {
  const char *key, *device; /* "scsi0", "drive-scsi0" */
};

struct conf_text {
  const char *name;          /* of the file, for messages; not owned */
  struct vmf_report *report; /* NULL is allowed */
  char *bytes, *notes;       /* owned: what the texts below point into */
  size_t notes_used;
  struct conf_setting *settings;
  size_t setting_count, setting_room;
  struct conf_section *sections; /* the first is the machine */
  size_t section_count, section_room;
  struct conf_map *maps;
  size_t map_count, map_room;
};

/* Fills *text, which is all zeros; cleared by the caller, also after a failure. VMF_CORRUPT: NUL
 * bytes; VMF_LIMIT. */
VMF_MUST_CHECK enum vmf_code conf_parse(const char *name, const void *bytes, size_t length,
                                        struct vmf_report *report, struct conf_text *text,
                                        struct vmf_error *error);
void conf_clear(struct conf_text *text);

/* The section of that name; NULL: none. */
const struct conf_section *conf_section(const struct conf_text *text, const char *name);

/* The setting of that key in a section; NULL: none. */
struct conf_setting *conf_find(const struct conf_text *text, const struct conf_section *section,
                               const char *key);

/* The device of a backup that holds a drive; NULL: none does, or it is no backup. */
const char *conf_device(const struct conf_text *text, const char *key);

/* The escapes %41 of a text undone, in place. False, and nothing happens: what comes out is no
 * UTF-8, or has control characters. */
bool conf_unescape(char *text);

#endif
