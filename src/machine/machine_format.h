/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * All that the author of a machine format reads, besides machine.h: one file (or folder) in
 * formats/machines and one word in its meson.build. A format is pure: bytes in, machine out;
 * machine in, bytes out. It opens no disk: it says how the source names them, and how the target
 * calls them. */
#ifndef VMF_MACHINE_MACHINE_FORMAT_H
#define VMF_MACHINE_MACHINE_FORMAT_H

#include "fields.h"
#include "machine.h"
#include "report.h"

/* A machine's text. */
struct vmf_machine_source {
  const char *name; /* of the file, for messages */
  const void *bytes;
  size_t length;
  const char *snapshot; /* its disks as they were then, by id or name; NULL: as they are now */
  /* Storages of a server whose files are at hand: "NAME=DIR"; NULL behind the last, or none. */
  const char *const *storages;
  /* The content of the file beside this one of that plain name, at most `limit` bytes, as a fresh
   * block with a NUL behind; *bytes == NULL: there is none. */
  enum vmf_code (*beside)(const struct vmf_machine_source *source, const char *name, size_t limit,
                          char **bytes, size_t *length, struct vmf_error *error);
  void *data; /* of beside */
};

/* A disk of the machine as it will be found beside the text that is written. */
struct vmf_machine_target_disk {
  const char *name;   /* of the file, or of the disk in a container; NULL: the drive is empty */
  const char *format; /* a disk format's name: "vmdk" */
  uint64_t capacity;  /* bytes */
  bool left_out;      /* the person wants the machine without it; name is NULL */
  struct vmf_told_id uuid; /* that the image will have inside, of a format that needs ids; not told:
                            * the image's format has none that can be chosen */
};

struct vmf_profile;

struct vmf_machine_target {
  const char *name; /* of the text that is written: of its file, "vm.vmx", or in a container */
  /* Where it will be, an absolute path that ends in '/', for formats that name files by such; NULL:
   * not known. */
  const char *folder;
  const struct vmf_machine_target_disk *disks; /* of machine->disks, in their order */
  size_t disk_count;
  const struct vmf_profile *platform; /* that it is written for; NULL: none (profile.h) */
  bool copy;      /* a new machine beside the old one: new ids, no addresses of cards */
  uint8_t id[16]; /* a fresh UUID; of a format that needs ids */
};

/* Why a field is not written as it was: told by writers, joined by the loss report with what it
 * sees by comparing. field: "disks[0].bus", "memory"; code: of the loss, NULL: the field's own. */
struct vmf_machine_losses {
  void (*lose)(void *data, const char *field, const char *code, enum vmf_loss_weight weight,
               const char *why);
  void *data;
};

enum { VMF_MACHINE_HEAD = 8192 /* bytes that a format is told by */ };

struct vmf_machine_format {
  const char *name;            /* "vmx" */
  const char *summary;         /* what a user should know in one line */
  const char *const *suffixes; /* "vmx", NULL; an empty list: only by content or name */
  /* 100: this is it; 0: it is not; between: perhaps. The first bytes of the file, up to
   * VMF_MACHINE_HEAD. */
  int (*probe)(const uint8_t *head, size_t length);
  /* Called by vmf_machine_read alone. Fills the machine. Every key or element of the source is
   * mapped, kept as an extra, or an extra that is not `known`. Oddities go to the report. Errors
   * name file and line. NULL: cannot be read. */
  enum vmf_code (*read)(const struct vmf_machine_source *source, struct vmf_machine *machine,
                        struct vmf_report *report, struct vmf_error *error);
  /* A fresh text. What the format has no place for is left out: the loss report finds that by
   * reading the text again; `losses` is told the reason where the writer chose something else.
   * Fails only where the target cannot have such a machine at all. NULL: cannot be written. */
  enum vmf_code (*write)(const struct vmf_machine *machine, const struct vmf_machine_target *target,
                         const struct vmf_machine_losses *losses, char **text, size_t *length,
                         struct vmf_error *error);
  /* The text with these changes, whose values are checked already, and all other bytes as they
   * were: a fresh one, with a NUL behind. machine: what it was read as. What the format has no
   * place for is VMF_UNSUPPORTED (machine_edits.h); what else is changed is told. That the reader
   * finds the changes is checked by the caller. NULL: is not edited. */
  enum vmf_code (*edit)(const struct vmf_machine_source *source, const struct vmf_machine *machine,
                        const struct vmf_machine_edits *edits, struct vmf_report *report,
                        char **text, size_t *length, struct vmf_error *error);
  /* What a text that is written may be called, the first in a folder; NULL: as those that are read.
   */
  const char *const *write_suffixes;
  /* Where its vendor's programs put the disks, by paths from the text's folder ("../Virtual Hard
   * Disks"), NULL behind the last; NULL: beside the text. */
  const char *const *disk_folders;
  /* The key of an extra by which the guest gets the OVF environment ("guestinfo.ovfEnv"); NULL:
   * there is none. */
  const char *environment_key;
  bool needs_ids; /* its text has a UUID of its own, and those inside of its disks' images */
  /* How its disks are stored when nobody says it: a form's name ("qcow2"); NULL: it is a container
   * itself. */
  const char *disk_form;
  bool disks_of_platform; /* they have the form of the platform that they are written for */
  /* The disk format whose file holds the text and the disks ("vma"): that is written then. And the
   * name of the text in it. NULL: there is none. */
  const char *container, *text_name;
  /* How the file in a container calls a disk of the machine, a fresh string, another one for each;
   * NULL: "disk1", by its place. */
  enum vmf_code (*disk_name)(const struct vmf_machine *machine, size_t disk, char **name,
                             struct vmf_error *error);
};

/* All of them; ends with NULL. Generated from formats/machines/meson.build. */
extern const struct vmf_machine_format *const vmf_machine_formats[];

/* By name; NULL: none. */
const struct vmf_machine_format *vmf_machine_format_find(const char *name);

/* Whether the file's name ends in one of the format's suffixes. */
bool vmf_machine_format_has_suffix(const struct vmf_machine_format *format, const char *name);

/* By suffix and content of a file: the one whose probe says 100, else the most that one says; NULL:
 * none. */
const struct vmf_machine_format *vmf_machine_format_probe(const char *name, const uint8_t *head,
                                                          size_t length);

/* What format->read says of the source, without what no machine can have: numbers that are 0, more
 * processors at its start than there are, ... (see vmf_machine_settle). That is told to the report.
 */
VMF_MUST_CHECK enum vmf_code vmf_machine_read(const struct vmf_machine_format *format,
                                              const struct vmf_machine_source *source,
                                              struct vmf_machine *machine,
                                              struct vmf_report *report, struct vmf_error *error);

/* That alone, of a machine that was made in another way. */
void vmf_machine_settle(struct vmf_machine *machine, const char *name, struct vmf_report *report);

/* The folder of the storage that a volume is on ("nfs:100/vm-100-disk-0.qcow2"); NULL: it is not
 * among them. */
const char *vmf_machine_storage(const char *const *storages, const char *volume);

/* Tells a reason, where somebody listens. */
void vmf_machine_lose(const struct vmf_machine_losses *losses, enum vmf_loss_weight weight,
                      const char *code, const char *why, const char *field, ...)
    __attribute__((format(printf, 5, 6)));

#endif
