/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A preloaded library that is what a hostile image would make of a reader: at the first read of an
 * image that holds the word INTRUDER it tries what the command line did not ask for, and says on
 * standard error what came of each. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
  fprintf(stderr, "intruder: %s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

static void intrude(void)
{
  char *const words[] = {"true", NULL};

  tell("read", open(getenv("INTRUDER_FILE"), O_RDONLY | O_CLOEXEC));
  tell("write", open(getenv("INTRUDER_FILE"), O_WRONLY | O_CLOEXEC));
  tell("unlink", unlink(getenv("INTRUDER_FILE")));
  tell("socket", socket(AF_INET, SOCK_STREAM, 0));
  tell("exec", execve("/bin/true", words, NULL));
}

__attribute__((visibility("default"))) ssize_t pread64(int file, void *buffer, size_t size,
                                                       off64_t offset)
{
  static atomic_flag tried = ATOMIC_FLAG_INIT;
  ssize_t got = syscall(SYS_pread64, file, buffer, size, offset);

  if (got >= 8 && memcmp(buffer, "INTRUDER", 8) == 0 && !atomic_flag_test_and_set(&tried))
    intrude();
  return got;
}
