/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What interrupted runs left in a folder is told, and removed. */
#include <fcntl.h>
#include <unistd.h>

#include "caller.h"
#include "memory.h"
#include "temporary.h"

struct cleaning {
  const char *folder;
  const struct vmf_clean_options *options;
};

/* A vmf_temporary_visitor. */
static void tell(void *data, const char *name, uint64_t bytes, enum vmf_leftover_state state)
{
  const struct cleaning *cleaning = data;
  VMF_AUTO_FREE char *path = NULL;

  if (cleaning->options->tell && vmf_format(&path, NULL, "%s/%s", cleaning->folder, name) == VMF_OK)
    cleaning->options->tell(cleaning->options->data, path, bytes, state);
}

enum vmf_code vmf_clean(const char *folder, const struct vmf_clean_options *options,
                        struct vmf_error *error)
{
  struct vmf_clean_options own;
  struct cleaning cleaning = {.folder = folder, .options = &own};

  VMF_REQUIRE(folder, error);
  VMF_TRY(vmf_take_clean_options(options, &own, error));
  int number = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened as a folder", folder);
  vmf_temporary_each(number, !own.dry_run, tell, &cleaning);
  close(number);
  return VMF_OK;
}
