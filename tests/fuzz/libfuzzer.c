/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libFuzzer runs the target that the program is called after: fuzz_NAME, a link to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static struct fuzz_target target;

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***words)
{
  const char *name = *count > 0 ? strrchr((*words)[0], '/') : NULL;

  name = name ? name + 1 : "";
  if (strncmp(name, "fuzz_", 5) != 0 || !fuzz_target_find(name + 5, &target)) {
    fprintf(
        stderr,
        "%s: no target is called so: make a link fuzz_NAME; \"replay --list\" lists the names\n",
        name);
    exit(1);
  }
  if (target.begin)
    target.begin();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  target.run(target.what, data, size);
  return 0;
}
