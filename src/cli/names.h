/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the names on a command line mean. */
#ifndef VMF_CLI_NAMES_H
#define VMF_CLI_NAMES_H

#include "settings.h"
#include "verb.h"

/* Whether a name that was resolved is on another machine. */
bool vmf_names_is_url(const char *name);

/* Whether it is of an NBD server. */
bool vmf_names_is_export(const char *name);

/* Whether a target of that name is a file that nobody sees before all of it is there; what is
 * written to others stays: pipes, devices, descriptors, servers. */
bool vmf_names_is_replaced(const char *name);

/* *name becomes the plain path that it means (see vmf_location_resolve), a string that lives as
 * long as the command. NULL stays. */
VMF_MUST_CHECK enum vmf_code vmf_names_resolve(struct vmf_command *command, const char **name,
                                               bool source, struct vmf_error *error);

/* The same for operands: the first `sources` as sources, `targets` behind them as targets, which
 * may be exports of NBD servers. */
VMF_MUST_CHECK enum vmf_code vmf_names_operands(struct vmf_command *command, int sources,
                                                int targets, struct vmf_error *error);

/* With --image-opts: the first `sources` operands become names in JSON. */
VMF_MUST_CHECK enum vmf_code vmf_names_by_options(struct vmf_command *command, int sources,
                                                  struct vmf_error *error);

/* Of the first `sources` operands one may be a pipe that was handed over ("/dev/fd/63", the shell's
 * <(COMMAND)): it becomes standard input, and its name "-". */
VMF_MUST_CHECK enum vmf_code vmf_names_pipes(struct vmf_command *command, int sources,
                                             struct vmf_error *error);

/* What stands behind the last slash of a path. */
const char *vmf_names_last(const char *path);

/* The folder that a path is in, "." where there is no slash: a fresh string. */
char *vmf_names_folder(const char *path);

/* What a name is from the folder of a target on: the target itself may be that folder. A fresh
 * string. */
char *vmf_names_beside(const char *target, const char *name);

/* Where one of the first `sources` operands is "-" and a file is redirected to it, the path of that
 * file is kept as command->redirected; nothing is read. */
VMF_MUST_CHECK enum vmf_code vmf_names_redirected(struct vmf_command *command, int sources,
                                                  struct vmf_error *error);

/* Such a "-" becomes that path where the file is a package or a machine: these are looked at in
 * more than one place, and what is named in them stands beside them. It is read for that, so that
 * the process is confined before. */
void vmf_names_recognised(struct vmf_command *command, int sources);

/* Whether two names lead to one file, or would if it were made. */
bool vmf_names_same(const char *one, const char *other);

/* Whether a report that begins with `mark`, in which "*" is the rest of a line, may be written to
 * the path: nothing is there, or a pipe, an empty file, or such a report. A slip in the name costs
 * no disk. */
bool vmf_names_free_for(const char *path, const char *mark);

/* A target that is such a pipe, >(COMMAND): it becomes standard output, and its name "-". Of what
 * only standard output takes in its order, a package or a machine. NULL stays. */
VMF_MUST_CHECK enum vmf_code vmf_names_pipe_target(const char **name, struct vmf_error *error);

/* A raw disk whose name says that it is packed ("disk.raw.xz", "image.tar.gz") gets that format and
 * -o compress= or archive=, unless -o says something else. */
VMF_MUST_CHECK enum vmf_code vmf_names_packed(struct vmf_target_settings *target, const char *path,
                                              struct vmf_error *error);

/* The format of a target: `asked` for, or by the suffix of its name, or raw. A name whose suffix is
 * known for something else is an error unless a format is asked for, by the option `insist`. */
VMF_MUST_CHECK enum vmf_code vmf_names_target_format(const char *asked, const char *path,
                                                     const char *insist, const char **format,
                                                     struct vmf_error *error);

/* *path, a fresh string: what a target is called by the name of its first source where its own is
 * not given, "vm.ova::disk.vmdk" giving "disk" and `suffix`; in `folder`, "" or ending in '/'. */
VMF_MUST_CHECK enum vmf_code vmf_names_after(const char *source, const char *folder,
                                             const char *suffix, char **path,
                                             struct vmf_error *error);

/* A target of a disk that is a folder becomes a file in it, as cp does. */
VMF_MUST_CHECK enum vmf_code vmf_names_into_folder(struct vmf_command *command, const char *format,
                                                   struct vmf_error *error);

/* Prints the create options of the target's format: `asked` for, or by its name, operand `target`
 * (perhaps not given). Returns the exit status. */
int vmf_names_option_help(const struct vmf_command *command, const char *asked, int target,
                          const char *insist);

#endif
