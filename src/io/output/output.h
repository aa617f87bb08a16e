/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * All or nothing: the files of one output are made in a temporary folder beside the target
 * (".NAME.part-XXXXXX", held by a lock while it is in use) and renamed into place by commit, the
 * main file last. Standard output, block devices and files that cannot be replaced are written
 * directly. */
#ifndef VMF_IO_OUTPUT_H
#define VMF_IO_OUTPUT_H

#include "io.h"

struct vmf_output;

struct vmf_output_options {
  bool no_clobber;          /* an existing target is VMF_USAGE */
  bool no_sync;             /* skip the fsyncs */
  bool transient;           /* see vmf_io_transient */
  bool ignore_locks;        /* replace a target that a running machine holds */
  bool in_place;            /* write into a file that is there: see vmf_output_begin */
  bool no_links;            /* a symlink in the target's place is refused, not followed */
  bool new_folder;          /* the target's folder was made for it, and is made durable with it */
  bool replace;             /* a further file takes the place of one that is there */
  bool spool;               /* what goes to a pipe is stored first, in a file without a name, */
  const char *spool_folder; /* there; NULL: in the folder for temporary files */
  bool resume;              /* what an interrupted run left is taken up, where it has a journal */
  const char
      *journal_path; /* of a block device or an object, beside which none can stand; or NULL */
  const struct vmf_cancel *cancel; /* while it is sent; or NULL */
  const struct vmf_log *log;       /* stale temporaries of this name, and what was made */
};

/* path: "-" is standard output, "/dev/fd/N" a descriptor that is open, a block device is written in
 * place, all else becomes a regular file. A symlink is followed: the file that it names is
 * replaced. Nothing is created but the temporary folder, and those of dead runs are removed.
 * A file that cannot be replaced (a mount point, a file in a folder that may not be written to) is
 * written into when it is empty or options->in_place says so, else VMF_SYSTEM; without a commit it
 * is empty again. VMF_IN_USE: another run is writing the target. */
VMF_MUST_CHECK enum vmf_code vmf_output_new(const char *path,
                                            const struct vmf_output_options *options,
                                            struct vmf_output **output, struct vmf_error *error);

/* Whether an output of that path becomes a file that nobody sees before it is committed. */
bool vmf_output_replaces(const char *path);

/* VMF_REFUSED: `path` is a symbolic link that another user made in a folder like /tmp. Of a target
 * file vmf_output_new looks at it; this is for a folder. */
VMF_MUST_CHECK enum vmf_code vmf_output_check_link(const char *path, struct vmf_error *error);

/* The io of the main file: a regular file (reads_as_zero, readable too), a pipe (sequential) or a
 * device. */
struct vmf_io *vmf_output_main(struct vmf_output *output);

/* The caller itself holds what is replaced (replacing.h), and has looked at its locks: on a file
 * system with one kind of lock for all, its own is not in the way. */
void vmf_output_held(struct vmf_output *output);

/* One more file; owned by the output. `name` is a plain file name. VMF_UNSUPPORTED on standard
 * output, devices and files that are written in place, VMF_USAGE when a file of that name exists
 * beside the target, unless options->replace; VMF_REFUSED when it is no regular one. */
VMF_MUST_CHECK enum vmf_code vmf_output_create(struct vmf_output *output, const char *name,
                                               struct vmf_io **io, struct vmf_error *error);

/* A file beside the target goes with the commit, if it is there. It comes back where that fails. */
VMF_MUST_CHECK enum vmf_code vmf_output_supersede(struct vmf_output *output, const char *name,
                                                  struct vmf_error *error);

const char *vmf_output_name(
    const struct vmf_output *output); /* final name without folder; "-" for stdout */
const char *vmf_output_stem(
    const struct vmf_output *output); /* the name without its suffix, with ".1", ".2" ...
                                       * behind when a file "STEM-..." is there already */
const char *vmf_output_path(const struct vmf_output *output); /* final path, symlinks followed */
const char *vmf_output_temporary(
    const struct vmf_output *output); /* where the main file is now; NULL: in place */

/* To be called before the first byte where in_place was asked for, and nothing else can be refused:
 * from here on the old content of a file that is there is gone. */
VMF_MUST_CHECK enum vmf_code vmf_output_begin(struct vmf_output *output, struct vmf_error *error);

/* Whether what is written is sent to a pipe by the commit. */
bool vmf_output_is_spooled(const struct vmf_output *output);

/* vmf_io_to_medium for every file. */
VMF_MUST_CHECK enum vmf_code vmf_output_to_medium(struct vmf_output *output,
                                                  struct vmf_error *error);

/* fsync and close of every file, rename of each, fsync of the folder, removal of the temporary one.
 * What fails is told, also when it is too late to go back. After it only close may be called. What
 * attributes.h says of a replaced file is kept. */
VMF_MUST_CHECK enum vmf_code vmf_output_commit(struct vmf_output *output, struct vmf_error *error);

/* A folder that is new has its own name in the one above it: fsync of that; where it may not be
 * read, it cannot be synced. path: of what is in the folder, for messages. */
VMF_MUST_CHECK enum vmf_code vmf_output_sync_above(int folder, const char *path,
                                                   struct vmf_error *error);

/* ---- a run that another can go on with: see copy/journal/journal.h ----
 *
 * One journal tells of all files of an output, or each of several has one of its own: then `file`
 * says whose is meant, and it is NULL for what is of all. */

/* Whether it is: its files become visible by a commit, and stand in a folder until then; or it is a
 * device or an object whose journal has a path. */
bool vmf_output_can_resume(const struct vmf_output *output);

/* That path; NULL: it has none. */
const char *vmf_output_journal_path(const struct vmf_output *output);

/* Whether options->resume is heeded without a journal: a store tells which parts it has of the
 * upload that was begun last. All is converted again, and what is the same is not sent. */
bool vmf_output_goes_on(const struct vmf_output *output);

/* Whether it is an object whose journal has a path: the journal says which upload it is, and the
 * store, which parts of it there are. All is converted again, and what is the same is not sent. */
struct vmf_output_object {
  const char *name, *store, *parts; /* where it is, and what its parts are like; not owned */
  bool stored;                      /* it is stored first */
};
bool vmf_output_uploads(const struct vmf_output *output, struct vmf_output_object *object);

/* Notes the upload in its journal (vmf_output_journal), behind `head`; NULL: what stands there is
 * that. From here on it stays without a commit, once something of it was sent. */
VMF_MUST_CHECK enum vmf_code vmf_output_keep_upload(struct vmf_output *output, const char *head,
                                                    struct vmf_error *error);

/* Whether it goes on with another: files that it creates may be there already. With file: that one
 * is, with a journal. Not of an object. */
bool vmf_output_resumed(const struct vmf_output *output, const struct vmf_io *file);

/* Nothing of what the other left is of use: the files are empty again. Of all before any is
 * created. */
VMF_MUST_CHECK enum vmf_code vmf_output_begin_again(struct vmf_output *output, struct vmf_io *file,
                                                    struct vmf_error *error);

/* The journal in the temporary folder, or at its path, made where it is none; the output's. The
 * commit removes it. With file: vmf_output_journals was called. */
VMF_MUST_CHECK enum vmf_code vmf_output_journal(struct vmf_output *output,
                                                const struct vmf_io *file, struct vmf_io **io,
                                                struct vmf_error *error);

/* Files are going to have journals of their own. `head` is what all have in common, and lives as
 * long as the output: it is sure, in place of the journal of all, before there is any of them. */
void vmf_output_journals(struct vmf_output *output, const char *head);

/* What stands in place of the journal of all of an output of that path, as an interrupted run left
 * it, to be read; the caller closes it. *io NULL: there is none. */
VMF_MUST_CHECK enum vmf_code vmf_output_peek(const char *path, struct vmf_io **io,
                                             struct vmf_error *error);

/* Bytes of its disk that the files of an interrupted run take, but for the main one. */
uint64_t vmf_output_taken(const struct vmf_output *output);

/* The files by index; NULL behind the last. */
struct vmf_io *vmf_output_file(const struct vmf_output *output, size_t index);

/* Without a commit, close removes nothing from here on, if there is a journal: whether there is. */
bool vmf_output_leave(struct vmf_output *output);

/* Behind a commit into a folder where nothing was replaced: removes the files again. */
void vmf_output_take_back(struct vmf_output *output);

/* Closes; without a commit removes all that was made. NULL is allowed. */
void vmf_output_close(struct vmf_output *output);

/* Of a file or folder that cannot be made: VMF_WRITE when errno says that the disk is full or
 * read-only, else VMF_SYSTEM. */
enum vmf_code vmf_creation_code(void);

#endif
