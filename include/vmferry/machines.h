/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines: how one is described for a package that is made, and those that a file of any vendor
 * describes. A part of <vmferry.h>. */
#ifndef VMFERRY_MACHINES_H
#define VMFERRY_MACHINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errors.h"
#include "packages.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct vmf_package;
struct vmf_image_options;
struct vmf_value;
struct vmf_package_target;

/* The guest operating systems that a descriptor can name, by index; false behind the last. */
struct vmf_guest_os_info {
  size_t size;                      /* of the struct */
  unsigned cim;                     /* CIM_OperatingSystem.OSType */
  const char *name, *vmware, *vbox; /* as people, VMware and VirtualBox call it; or NULL */
};
/* Any thread. */
bool vmf_guest_os_describe(size_t index, struct vmf_guest_os_info *info);

/* The platforms that disks and machines are made for, by index; false behind the last. */
struct vmf_profile_info {
  size_t size;                /* of the struct */
  const char *name;           /* "azure" */
  const char *const *aliases; /* NULL-terminated */
  const char *summary;
  const char *disk_format, *disk_options; /* that it takes; options NULL: none */
  bool compress;                          /* packed by the format's codec */
  uint64_t round;                         /* bytes: the disk's size is a multiple of this */
  uint64_t least, most;                   /* bytes; 0: no bound */
  const char *source;                     /* of these facts */
  /* Formats of machines that it takes, the usual one first, NULL-terminated; "ovf": a package;
   * "upload": a disk for each drive, and a script that uploads them. */
  const char *const *machines;
  const char *suffix;   /* of the file of a disk: "vmdk" */
  const char *hardware; /* family of hardware in its packages, "vmx-13"; NULL: any */
  const char *digest;   /* of its packages' manifests; NULL: it takes no packages */
};
/* Any thread. */
bool vmf_profile_describe(size_t index, struct vmf_profile_info *info);
/* The one that a person calls so, "esxi", "vsphere", "esxi@7.0". VMF_USAGE lists those that there
 * are. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_profile_find(const char *name, struct vmf_profile_info *info,
                                              struct vmf_error *error);
/* The size there of a disk of `size` bytes: rounded up, and not below the least. VMF_USAGE: it is
 * too large. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_profile_size(const struct vmf_profile_info *info, uint64_t size,
                                              uint64_t *rounded, struct vmf_error *error);

struct vmf_nic_options {
  const char *model, *network, *mac; /* NULL: E1000, "VM Network", none */
};

struct vmf_property_options {
  const char *key, *value;
};

/* A machine to be described; NULL and 0 mean the default. Lists end with their count. */
struct vmf_machine_options {
  size_t size;          /* of the struct */
  const char *name;     /* default: the first disk's name without suffix */
  unsigned cpus;        /* 1 */
  uint64_t memory;      /* bytes; 1 GiB */
  const char *os;       /* CIM number, VMware's or a plain name: "ubuntu-64", "windows2019srv-64" */
  const char *firmware; /* "bios", "efi" */
  bool secure_boot;
  const char *hardware;           /* "vmx-13" */
  const char *const *controllers; /* of the n-th disk: lsilogic, lsilogicsas, pvscsi, buslogic,
                                   * sata, nvme, ide; the last counts for the rest; lsilogic */
  size_t controller_count;
  const struct vmf_nic_options *nics;
  size_t nic_count; /* 0 and nics == NULL: one; nics != NULL: none */
  const char *product, *vendor, *version, *full_version;
  const struct vmf_property_options *properties;
  size_t property_count;
  const char *const *eulas; /* texts */
  size_t eula_count;
  const char *annotation;
  const char *ovf_version;       /* "1.0", "1.1" (default), "2.0" */
  struct vmf_package *template_; /* instead of all that stands above: its descriptor, its disks
                                  * replaced in order; not owned; or NULL */
  /* "virtualbox", "esxi@7.0": default of hardware, and VMF_USAGE where that, a controller, a card
   * or the version is what it does not take; NULL: none. Not with template_. */
  const char *platform;
};

/* ---- machines that a file describes ---- */

/* The formats of machines by index; false behind the last. */
struct vmf_machine_format_info {
  size_t size;                 /* of the struct */
  const char *name, *summary;  /* "vmx", "..." */
  const char *const *suffixes; /* NULL-terminated */
  bool readable, writable;
  const char
      *container; /* format whose file holds such a machine with its disks ("vma"); or NULL */
  /* Folders with its disks, by paths from that of its file on ("../Virtual Hard Disks"), where they
   * need not be beside it; NULL behind the last; or NULL. */
  const char *const *disk_folders;
};
/* Any thread. */
bool vmf_machine_format_describe(size_t index, struct vmf_machine_format_info *info);

/* One or several machines, as one file describes them, with their disks. */
struct vmf_machines;

/* Whether `path` is a file that describes a machine, both by its name (*.vmx, *.xml, ...) and by
 * its content, or a file that holds a machine with its disks. A package is none. Any thread. */
bool vmf_machines_recognise(const char *path);

/* Reads what the file says; no disk is opened. "-": standard input, on which a file comes that
 * holds text and disks (an OVA, XVA or VMA, packed or not); on a pipe it is stored in
 * options->spool_folder first, or, an XVA or VMA, when it is looked into, or converted into what
 * does not take its disks as they come; one that was not stored can be converted once. Of options,
 * which are those of the disks, `format` is a machine format's name and `snapshot` the machine's;
 * what they point to lives as long as *machines. What is odd in the file goes to options->log as
 * warnings. VMF_CORRUPT names file and line. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_machines_open(const char *path,
                                               const struct vmf_image_options *options,
                                               struct vmf_machines **machines,
                                               struct vmf_error *error);
/* NULL is allowed. One thread an object. */
void vmf_machines_close(struct vmf_machines *machines);

/* What `info` shows: "filename", "format", and "machine" (of several: a list, "machines") with what
 * is told of it, under the same names whatever the format, its "images" as far as they are there.
 * The caller frees the tree. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_machines_info(struct vmf_machines *machines,
                                               struct vmf_value **info, struct vmf_error *error);

/* How a machine is written in another format. */
struct vmf_machine_target_options {
  size_t size;        /* of the struct */
  const char *format; /* "vmx", "libvirt", "ovf", ...; NULL: by the suffix of the path */
  const char *system; /* of several machines: its name, or its number from 1 on; NULL: the only one,
                       * or all of them into a folder */
  bool copy; /* a new machine beside the old one: other ids, and no addresses of network cards */
  const char *const *networks; /* "OLD=NEW": network cards on OLD are put on NEW; ends with NULL; or
                                * NULL */
  bool strict; /* VMF_REFUSED, and nothing is written, where data or what it boots with is lost */
  /* How its files are written; disk_format NULL: as the format usually has its disks. Signing,
   * digest and trust are of packages. NULL: the defaults. */
  const struct vmf_package_target *files;
  /* Where the loss report is put, or NULL: what became of every field, {"field", "outcome",
   * "before", "after", "code", "weight", "why", "line"} each, and counts. Also where `strict`
   * refuses, or writing fails later. Of all machines a list of such, "machines", with
   * "start-order" and "shared-networks". The caller frees the tree. */
  struct vmf_value **losses;
  bool dry_run; /* nothing stays: all is opened and described, and `losses` and files->result
                 * filled, as with files->dry_run */
  const char *const *without_disks; /* left out of the machine, and lost: by number as in `info`, by
                                     * the name of the image or what is told of the content; ends
                                     * with NULL; or NULL */
  /* "esxi", "esxi@7.0": what the platform takes decides about format, form and size of the disks,
   * controllers, network cards and hardware; what the machine has there stays. NULL: none. */
  const char *platform;
  const char
      *drivers; /* "virtio": disks and cards get these where the platform has them; or NULL */
};

/* Writes a machine in another format, its disks and what is in its drives for media beside it or in
 * it, all or nothing: `path` is a file whose suffix says the format, or a folder; where `format` is
 * told, a name without such a suffix, too, for all machines of a collection: each gets a new folder
 * of its name in that one, and all appear together. The sources stay as they are. A package is
 * checked before: what becomes another machine by the trust that it was opened with, what stays a
 * package by files->trust; VMF_DIFFERENT, too: a signature is asked for, and the machine is in no
 * package. One thread an object. */
VMF_MUST_CHECK enum vmf_code vmf_machines_convert(struct vmf_machines *machines, const char *path,
                                                  const struct vmf_machine_target_options *options,
                                                  struct vmf_error *error);

/* ---- what a platform refuses ---- */

struct vmf_lint_finding {
  const char *rule;           /* stable: "E-VMW-FAMILY" */
  enum vmf_severity severity; /* VMF_SEVERITY_VIOLATION: it is refused, or does not start there;
                               * VMF_SEVERITY_WARNING: it loses something, or some releases fail;
                               * VMF_SEVERITY_NOTE: good to know */
  const char *file;           /* of the package; NULL: the file that was named */
  unsigned line;              /* in it; 0: none */
  const char *found, *allowed;
  const char *prints; /* what the vendor's program prints; NULL: not known for sure */
  const char *remedy; /* what a conversion for the platform does */
  const char *source; /* of the rule */
};

struct vmf_lint_rule_info {
  size_t size; /* of the struct */
  const char *rule;
  enum vmf_severity severity;
  const char *text;                     /* what it finds */
  const char *prints, *remedy, *source; /* as of a finding */
};
/* The n-th rule that is asked for a platform ("esxi", "esxi@7.0"), from 0 on. false: there is no
 * such platform, or there are no more. Any thread. */
bool vmf_lint_rule_describe(const char *platform, size_t index, struct vmf_lint_rule_info *info);

struct vmf_lint_options {
  size_t size;                           /* of the struct */
  const struct vmf_image_options *image; /* how the disks are opened; or NULL */
  void (*finding)(void *data,
                  const struct vmf_lint_finding *finding); /* caller's thread; or NULL */
  void *data;
};

struct vmf_lint_result {
  size_t size; /* of the struct */
  uint64_t counts[VMF_SEVERITIES];
  unsigned asked; /* rules of the platform that are known here for such a file */
  bool package;   /* it is one; else a disk, or a machine in another format */
};

/* Judges a package or a machine in another format, with its disks, or a disk, by what the platform
 * ("azure", "esxi@7.0") takes; partition tables are looked at, file systems are not. VMF_OK when it
 * could be judged, whatever was found; a disk of a machine that is not at hand is a finding.
 * VMF_UNSUPPORTED: no rule is known here for such a file. "-": standard input. options may be NULL.
 * Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_lint(const char *path, const char *platform,
                                      const struct vmf_lint_options *options,
                                      struct vmf_lint_result *result, struct vmf_error *error);

/* ---- a machine changed where it is described ---- */

/* A change of one network card. */
struct vmf_nic_edit {
  size_t number; /* in the machine, from 1 on; 0: a new one */
  bool remove;
  const char *model, *network, *mac; /* NULL: stays; of a new one as in vmf_nic_options. mac "":
                                      * none, whoever runs the machine gives it one */
};

/* What is changed; NULL and 0: it stays. Lists end with their count. */
struct vmf_machine_edits {
  size_t size;        /* of the struct */
  const char *system; /* of several machines, as in vmf_machine_target_options */
  const char *name;
  unsigned cpus;
  uint64_t memory;             /* bytes */
  const char *os, *firmware;   /* as in vmf_machine_options */
  const char *annotation;      /* "": none */
  const char *const *networks; /* "OLD=NEW": it is called NEW; ends with NULL; or NULL */
  const struct vmf_nic_edit *nics;
  size_t nic_count;
  const struct vmf_property_options *properties; /* that are there: their new values */
  size_t property_count;
  const char *const *eulas; /* texts, of further licences */
  size_t eula_count;
  bool remove_cd; /* all CD drives, with the files in them that nothing else needs */
};

/* The text of a machine before and after a change. */
struct vmf_edited_text {
  const char *name; /* of its file */
  const char *before, *after;
  size_t before_length, after_length; /* bytes */
};

/* How the change is made. */
struct vmf_edit_target {
  size_t size;        /* of the struct */
  const char *output; /* another file; NULL: the file itself is replaced */
  bool dry_run;       /* nothing is written */
  /* Receives the text, where it changes; the caller's thread; or NULL. */
  void (*text)(void *data, const struct vmf_edited_text *text);
  void *text_data;
  /* Signing, trust, no_clobber, no_sync, ignore_locks, progress, cancel, log and findings count:
   * without a key an old signature is taken away, the warning "signature-removed". NULL: the
   * defaults. */
  const struct vmf_package_target *files;
};

/* Changes a machine in the file that describes it: a package, whose manifest is made to fit, or the
 * text of a machine format. Every byte that need not change stays. A package is checked before, by
 * files->trust, which takes nothing else where it asks for a signature. The new file takes the
 * place of the old one when all of it is written. VMF_USAGE: a value that is not accepted, saying
 * what is; VMF_UNSUPPORTED: what the format has no place for. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_machine_edit(const char *path,
                                              const struct vmf_machine_edits *edits,
                                              const struct vmf_edit_target *target,
                                              struct vmf_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
