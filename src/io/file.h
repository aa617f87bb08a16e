/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Regular files and block devices as sources, and what can be asked of them. */
#ifndef VMF_IO_FILE_H
#define VMF_IO_FILE_H

#include <sys/stat.h>

#include "io.h"

/* Opens `path` for reading, which may be a URL (remote_io.h). Only a regular file or a block device
 * is taken (a fifo, a directory, a character device is VMF_REFUSED, and never blocks). Dirty pages
 * are written out first where holes are asked for, so that next_data tells the truth. check_locks:
 * VMF_IN_USE when a running machine holds it (see locks.h). */
VMF_MUST_CHECK enum vmf_code vmf_io_open_file(const char *path, bool check_locks,
                                              struct vmf_io **io, struct vmf_error *error);

/* The same for a descriptor that is open already; takes it over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_io_from_descriptor(int descriptor, const char *path,
                                                    bool check_locks, struct vmf_io **io,
                                                    struct vmf_error *error);

/* What is read from the io or written to it from now on is not kept in the page cache, so that a
 * disk of hundreds of GiB does not evict what the host works with. Of a view: all that is below it.
 * No effect on what is no file. */
void vmf_io_transient(struct vmf_io *io);

/* A file that an interrupted run left, while what was done is done again: ranges that are to be
 * zeros, or reserved, keep what stands in them. */
void vmf_io_keep(struct vmf_io *io, bool keep);

/* Where what has been written since it is kept begins, and ends; equal: nothing has. */
void vmf_io_rewritten(const struct vmf_io *io, uint64_t *start, uint64_t *end);

/* These bytes will be read soon: a disk can begin with them. Of a file or device, not of what shows
 * one; a range that is not there is none. */
void vmf_io_expect(const struct vmf_io *io, uint64_t offset, uint64_t length);

/* What was written to the io is on the disk, also where it was not to be durable, and no more in
 * the page cache: who reads it, sees what the disk has. Nothing is asked of what is no file or
 * device, or has no disk. */
VMF_MUST_CHECK enum vmf_code vmf_io_to_medium(struct vmf_io *io, struct vmf_error *error);

/* What fstat said when the io was opened; of a view: of the first file below it. False when there
 * is no file or device. */
bool vmf_io_stat(const struct vmf_io *io, struct stat *status);

/* The attributes of a file on NTFS or a share of Windows (MS-FSCC 2.6); 0: there are none, or
 * nothing here shows them. Not of a view. */
enum { VMF_WINDOWS_SPARSE = 0x200, VMF_WINDOWS_COMPRESSED = 0x800, VMF_WINDOWS_ENCRYPTED = 0x4000 };
uint32_t vmf_io_windows_attributes(const struct vmf_io *io);

/* Whether the io is that file or device, or shows bytes of it. */
bool vmf_io_shows_file(const struct vmf_io *io, const struct stat *wanted);

/* The file behind a loop device, or behind a partition of one; false: there is none, or none that
 * can be seen from here. */
bool vmf_device_file(const struct stat *device, struct stat *file);

/* Whether both are block devices, and one is a partition of the other. */
bool vmf_device_is_part(const struct stat *part, const struct stat *whole);

/* Whether both are one file or device. Views are the same only where they are one io. */
bool vmf_io_same_file(const struct vmf_io *a, const struct vmf_io *b);

/* VMF_CHANGED when a source was written to since it was opened: its size, mtime or ctime moved, or
 * the kernel counted writes to a device (of a partition: through the partition). A ctime that moved
 * with mode, owner, links, attributes or name is a warning. VMF_REFUSED: writes to this device are
 * not counted, and locks were to be checked. Of a view: for all files below it. Each file that
 * is unchanged is told to the log. */
VMF_MUST_CHECK enum vmf_code vmf_io_unchanged(const struct vmf_io *io, const struct vmf_log *log,
                                              struct vmf_error *error);

#endif
