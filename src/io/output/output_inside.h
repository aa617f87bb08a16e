/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What an output is made of. Private to this folder. */
#ifndef VMF_IO_OUTPUT_INSIDE_H
#define VMF_IO_OUTPUT_INSIDE_H

#include <sys/stat.h>

#include "output.h"
#include "s3_target.h"
#include "superseded.h"
#include "temporary.h"

struct vmf_output_part {
  struct vmf_io *io;
  char *name;             /* final, without folder */
  struct vmf_io *journal; /* of this file alone; owned; NULL: none */
};

struct vmf_output {
  char *path, *stem;
  const char *name;     /* in path */
  char *temporary_path; /* of the main file; NULL: written in place */
  bool no_clobber, sync, transient, ignore_locks, in_place, new_folder, replace;
  bool goes_on; /* see vmf_output_goes_on */
  bool exists;  /* there is a file to replace; its attributes are in `replaced` */
  bool committed;
  struct stat replaced;
  int folder;          /* of the target; -1: written where it is, one file only */
  int handed;          /* the caller's descriptor that is written to; -1: none */
  struct vmf_io *pipe; /* to which the main file is sent by the commit; owned; NULL: none */
  const struct vmf_cancel *cancel;
  const struct vmf_log *log;
  int held;   /* the file that is written in place, locked; -1: none */
  bool begun; /* it has been emptied */
  struct vmf_temporary temporary;
  struct vmf_superseded old;     /* beside the main file */
  struct vmf_output_part *parts; /* [0] is the main file */
  size_t part_count, part_capacity;
  bool adopted;           /* the temporary folder was another run's, which was interrupted */
  bool left;              /* what stands in it stays without a commit, for another */
  struct vmf_io *journal; /* in it; owned; NULL: none */
  const char *head;   /* that the journals of several files have in common; NULL: there are none */
  char *journal_path; /* elsewhere; owned; NULL: in the temporary folder */
  int journal_number; /* open there, locked; -1: it is not */
  bool uploads;       /* of an object of a store: */
  struct vmf_kept_upload upload; /* with its texts owned */
  uint64_t journal_end;          /* behind its last whole line */
};

/* Before anything is opened: where the journal has a path, it is opened and locked. VMF_USAGE: the
 * target is no device and no object, what is there is no journal, or one that is not to be gone on
 * with. */
VMF_MUST_CHECK enum vmf_code vmf_output_hold_journal(struct vmf_output *output, const char *path,
                                                     const struct vmf_output_options *options,
                                                     struct vmf_error *error);

/* Closes the journal and removes its file. */
void vmf_output_drop_journal(struct vmf_output *output);

/* Closes it, and leaves all that is in the temporary folder to another run. */
void vmf_output_leave_journal(struct vmf_output *output);

#endif
