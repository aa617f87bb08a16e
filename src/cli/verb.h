/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a verb is: a table of its arguments, the settings that they fill, and a function that gets
 * these. One table serves parsing, `--help` and the comparison with the man page.
 *
 * The file of a verb defines its settings, a struct that begins with a struct vmf_command, and
 * says so before the table:
 *
 *   #define VMF_SETTINGS struct convert_settings
 */
#ifndef VMF_CLI_VERB_H
#define VMF_CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmferry.h"

struct vmf_held;
struct vmf_listener;

/* What every verb is told, whatever it does. Strings of settings belong to argv unless said
 * otherwise. */
struct vmf_command {
  const char **operands; /* argv's, or in `names` */
  int operand_count;
  bool listed;            /* its answer in JSON is one of a list; the first: `shown` is false */
  bool shown;             /* something has been printed */
  char **names;           /* what names were resolved to; NULL-terminated; owned */
  const char *redirected; /* the file that is standard input, in `names`; or NULL */
  bool help;
  bool quiet, verbose, progress, json; /* how it answers */
  int progress_descriptor;             /* that takes the progress as JSON; 0: none does */
  struct vmf_log log;
  uint64_t threads;                    /* 0: one a processor */
  uint64_t max_size;                   /* bytes that may be unpacked and written; 0: no bound */
  const char *sandbox;                 /* off, on, require; NULL: the default */
  const char **headers;                /* files, each behind an '@'; NULL-terminated; or NULL */
  bool netrc;                          /* names and passwords for URLs are in ~/.netrc */
  uint64_t retry_seconds;              /* for what a server does not answer; 0: the default */
  const char *endpoint;                /* of object stores; NULL: as the AWS tools find it */
  const char *region, *profile;        /* likewise */
  bool unsigned_requests;              /* to object stores */
  bool untrusted;                      /* what is read comes from strangers, see untrusted.h */
  bool reads_anything;                 /* what is read is named in a list that a verb reads */
  bool image_opts;                     /* sources are named by options (image_opts.h) */
  bool no_cache;                       /* nothing is kept in the host's page cache */
  const char **secret_files;           /* NULL-terminated; or NULL */
  const char *secret_descriptor;       /* the number of one; or NULL */
  const char **objects;                /* --object, secret_object.h; NULL-terminated; or NULL */
  struct vmf_secret *secrets;          /* read from there; owned, see secrets.h */
  size_t secret_count;                 /* of those that open what is read: the first ones */
  size_t secrets_held;                 /* of all of them */
  const char *target_secret_file;      /* or NULL */
  struct vmf_secret *target_secret;    /* one of `secrets`; or NULL */
  bool locked;                         /* encrypted disks are looked at, and not read */
  const struct vmf_listener *listener; /* is told instead of the terminal; NULL: none is */
  struct vmf_held *held;               /* what is kept back (vmf_status_hold); NULL: nothing is */
  struct vmf_crew *crew;               /* does the work; NULL: threads of its own */
};

enum vmf_argument_kind {
  VMF_ARGUMENT_FLAG = 1,
  VMF_ARGUMENT_TEXT,
  VMF_ARGUMENT_JOINED,        /* may be given again: joined by commas */
  VMF_ARGUMENT_LISTED,        /* may be given again: a NULL-terminated list */
  VMF_ARGUMENT_SIZE,          /* bytes, with suffixes */
  VMF_ARGUMENT_NUMBER,        /* min <= value <= max */
  VMF_ARGUMENT_OUTPUT,        /* human or json */
  VMF_ARGUMENT_CHECKSUM,      /* the name of a digest; with an optional value: sha256 */
  VMF_ARGUMENT_PROGRESS_FORM, /* nothing, or json[:FD] */
  VMF_ARGUMENT_SNAPSHOT,      /* id or name, also in qemu-img's way: snapshot.id=ID */
  VMF_ARGUMENT_EITHER, /* one of the two words of .value: the first sets a bool, the other clears it
                        */
  VMF_ARGUMENT_CACHE,  /* qemu-img's cache modes; a bool field is set by "unsafe" */
  VMF_ARGUMENT_NO_EFFECT,
  VMF_ARGUMENT_GROUP,   /* no argument: help is the title of those behind it */
  VMF_ARGUMENT_REFUSED, /* qemu-img has it and vmferry does not: help says why */
};

struct vmf_argument {
  char letter;                 /* 0: none */
  bool value_optional;         /* behind the name; the letter takes none then */
  enum vmf_argument_kind kind; /* 0 ends a table */
  const char *name;            /* without the dashes; NULL: none */
  const char *value;           /* what help calls the value; NULL: takes none */
  const char *help;            /* NULL: not shown */
  const char *contradicts;     /* the name of an argument that cannot be given, too; NULL: none */
  const char *warning;         /* told to who gives it; NULL: none */
  size_t field;                /* offset in the verb's settings; 0: none */
  size_t given;                /* offset of the bool that says the value was given, or 0 */
  uint64_t min, max;           /* NUMBER; SIZE has no max */
};

/* The offset of a member that has this type; does not compile with another. */
#define VMF_SETTING(type, member)                                                                  \
  (offsetof(VMF_SETTINGS, member) + _Generic(&((VMF_SETTINGS *)0)->member, type * : 0))

/* In a row of a table: the kind of the argument, and the member that it fills. */
#define VMF_SETS_FLAG(member) .kind = VMF_ARGUMENT_FLAG, .field = VMF_SETTING(bool, member)
#define VMF_SETS_TEXT(member) .kind = VMF_ARGUMENT_TEXT, .field = VMF_SETTING(const char *, member)
#define VMF_SETS_JOINED(member) .kind = VMF_ARGUMENT_JOINED, .field = VMF_SETTING(char *, member)
#define VMF_SETS_LISTED(member)                                                                    \
  .kind = VMF_ARGUMENT_LISTED, .field = VMF_SETTING(const char **, member)
#define VMF_SETS_SIZE(member) .kind = VMF_ARGUMENT_SIZE, .field = VMF_SETTING(uint64_t, member)
#define VMF_SETS_NUMBER(member) .kind = VMF_ARGUMENT_NUMBER, .field = VMF_SETTING(uint64_t, member)
#define VMF_SETS_OUTPUT(member) .kind = VMF_ARGUMENT_OUTPUT, .field = VMF_SETTING(bool, member)
#define VMF_SETS_CHECKSUM(member)                                                                  \
  .kind = VMF_ARGUMENT_CHECKSUM, .field = VMF_SETTING(const char *, member)
#define VMF_SETS_SNAPSHOT(member)                                                                  \
  .kind = VMF_ARGUMENT_SNAPSHOT, .field = VMF_SETTING(const char *, member)
#define VMF_SETS_EITHER(member) .kind = VMF_ARGUMENT_EITHER, .field = VMF_SETTING(bool, member)
#define VMF_SETS_PROGRESS(member)                                                                  \
  .kind = VMF_ARGUMENT_PROGRESS_FORM, .field = VMF_SETTING(int, member)
#define VMF_SETS_CACHE(member) .kind = VMF_ARGUMENT_CACHE, .field = VMF_SETTING(bool, member)

/* The purposes by which help lists the verbs; those of one stand together in vmf_verbs. */
#define VMF_PURPOSE_DISKS "To make disks"
#define VMF_PURPOSE_EXAMINE "To examine disks"
#define VMF_PURPOSE_PACKAGES "For packages (OVA, OVF)"
#define VMF_PURPOSE_HELP "Help"

/* Which operands name what is written; ONE: the first, and no other is a name; OUT: the option does
 * that, or it is made in the working folder. */
enum vmf_written {
  VMF_WRITTEN_NONE,
  VMF_WRITTEN_ONE,
  VMF_WRITTEN_ALL,
  VMF_WRITTEN_LAST,
  VMF_WRITTEN_OUT
};

struct vmf_verb;
typedef void vmf_command_visitor(void *data, const struct vmf_verb *verb,
                                 const struct vmf_command *command);

struct vmf_verb {
  const char *name, *purpose, *operands, *summary;
  const char *const *examples; /* command lines of 58 columns at most, NULL-terminated */
  const struct vmf_argument *arguments;
  const void *initial;  /* the settings before the command line is read */
  size_t settings_size; /* bytes */
  int min_operands, max_operands;
  int targets; /* the last operands: what is written, where --image-opts is taken */
  enum vmf_written written;
  bool operands_are_words; /* no file is opened by their names */
  int usage_status;        /* the exit status after a wrong command line */
  int answer_status;       /* besides 0: of an answer that is on standard output; 0: none */
  /* Of a verb that does what other command lines say: reads them before the command is confined,
   * and shows them; `unload` frees them, whatever came of it. Or NULL. */
  enum vmf_code (*load)(void *settings, struct vmf_error *error);
  void (*unload)(void *settings);
  void (*visit)(void *settings, vmf_command_visitor *visit, void *data);
  int (*run)(void *settings); /* returns the exit status */
};

/* In a verb: its settings before the command line is read, a constant of VMF_SETTINGS. */
#define VMF_STARTS_WITH(settings)                                                                  \
  .initial = _Generic(&(settings), const VMF_SETTINGS *: &(settings)),                             \
  .settings_size = sizeof(VMF_SETTINGS)

extern const struct vmf_verb vmf_verb_apply, vmf_verb_batch, vmf_verb_check, vmf_verb_checksum,
    vmf_verb_clean, vmf_verb_compare, vmf_verb_completion, vmf_verb_convert, vmf_verb_create,
    vmf_verb_diff, vmf_verb_edit, vmf_verb_help, vmf_verb_info, vmf_verb_lint, vmf_verb_map,
    vmf_verb_measure, vmf_verb_pack, vmf_verb_report, vmf_verb_sign, vmf_verb_unpack,
    vmf_verb_verify;

/* All of them, NULL-terminated, in the order of the help text. */
extern const struct vmf_verb *const vmf_verbs[];

/* The verb that may be meant by a name that is none, or NULL. */
const struct vmf_verb *vmf_verb_similar(const char *name);

/* The verb of that name, or NULL. */
const struct vmf_verb *vmf_verb_find(const char *name);

#endif
