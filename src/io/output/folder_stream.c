/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "folder_stream.h"

#include <fcntl.h>
#include <unistd.h>

DIR *vmf_folder_stream(int folder)
{
  int number = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = number < 0 ? NULL : fdopendir(number);

  if (!stream && number >= 0)
    close(number);
  return stream;
}
