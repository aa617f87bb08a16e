/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A run that another can go on with. A part of <vmferry.h>. */
#ifndef VMFERRY_RESUMING_H
#define VMFERRY_RESUMING_H

/* Whether a journal is kept of what is done, so that another run can go on with it. */
enum vmf_journal_choice {
  VMF_JOURNAL_NONE,
  VMF_JOURNAL_WHERE_POSSIBLE,
  VMF_JOURNAL_WANTED, /* VMF_UNSUPPORTED, before the first byte, where nothing can be taken up: what
                       * comes from or goes to a pipe, goes to a device or a server, or comes from
                       * a device or a server that tells no version of its files, unless
                       * source_unchanged; salvaged disks */
};

#endif
