/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A preloaded library that makes flock what NFS of version 4 makes of it (flock(2), "NFS details"):
 * a lock of all bytes, of the same kind as those of fcntl, and exclusive only for who may write. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

__attribute__((visibility("default"))) int flock(int file, int operation)
{
  int mode = fcntl(file, F_GETFL) & O_ACCMODE, kind = operation & ~LOCK_NB;
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

  if (kind != LOCK_UN)
    lock.l_type = kind == LOCK_EX ? F_WRLCK : F_RDLCK;
  if ((kind == LOCK_EX && mode == O_RDONLY) || (kind == LOCK_SH && mode == O_WRONLY)) {
    errno = EBADF;
    return -1;
  }
  int result = fcntl(file, operation & LOCK_NB ? F_OFD_SETLK : F_OFD_SETLKW, &lock);
  if (result < 0 && errno == EACCES)
    errno = EWOULDBLOCK;
  return result;
}
