/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How a package's descriptor is read, with the texts that are files of it; and another one in its
 * place, before the package is written. What cannot be had of such files is told, and is no reason
 * to do without the package. */
#include "list.h"
#include "memory.h"
#include "package.h"

/* ---- texts ---- */

static void tell(void *data, const char *name, const char *why)
{
  const struct vmf_package *package = data;

  vmf_warn(package->options.log,
           "%s: its texts in the file \"%.200s\" are not used, and those in the descriptor are: %s",
           package->path, name, why);
}

static bool is_of_file(enum vmf_code code)
{
  return code != VMF_NOMEM && code != VMF_CANCELLED && code != VMF_READ;
}

/* The io stays open: the gate asks which file it was, and whether it is the same still. */
static enum vmf_code read_all(struct vmf_package *package, struct vmf_io *io, size_t limit,
                              char **bytes, size_t *length, struct vmf_error *error)
{
  void *memory;

  if (io->size > limit)
    return vmf_fail(error, VMF_LIMIT, "it has %llu bytes, accepted are %zu",
                    (unsigned long long)io->size, limit);
  VMF_TRY(
      VMF_LIST_ROOM(package->texts, package->text_count, package->text_capacity, "texts", error));
  VMF_TRY(vmf_alloc((size_t)io->size + 1, &memory, error));
  enum vmf_code code = io->size > 0 ? vmf_io_pread(io, memory, (size_t)io->size, 0, error) : VMF_OK;
  if (code != VMF_OK) {
    vmf_free(memory);
    return code;
  }
  package->texts[package->text_count++] = io;
  *bytes = memory;
  *length = (size_t)io->size;
  return VMF_OK;
}

static enum vmf_code open_and_read(struct vmf_package *package, const struct vmf_ovf_file *file,
                                   size_t limit, char **bytes, size_t *length,
                                   struct vmf_error *error)
{
  struct vmf_io *io;

  if (!file)
    return vmf_fail(error, VMF_CORRUPT, "References has no such file");
  VMF_TRY(vmf_package_open_text(package, file, limit, &io, error));
  enum vmf_code code = read_all(package, io, limit, bytes, length, error);
  if (code != VMF_OK)
    vmf_io_close(io);
  return code;
}

static enum vmf_code load(void *data, const char *name, const struct vmf_ovf_file *file,
                          size_t limit, char **bytes, size_t *length, struct vmf_error *error)
{
  struct vmf_package *package = data;
  struct vmf_error wrong = {0};
  enum vmf_code code = open_and_read(package, file, limit, bytes, length, &wrong);

  if (code == VMF_OK)
    return VMF_OK;
  if (!is_of_file(code))
    return vmf_fail(error, code, "%s", wrong.text);
  tell(package, name, wrong.text);
  return VMF_OK;
}

struct vmf_ovf_asked vmf_package_asked(struct vmf_package *package)
{
  return (struct vmf_ovf_asked){
      .language = package->language, .load = load, .tell = tell, .data = package};
}

enum vmf_code vmf_package_read(struct vmf_package *package, const char *text, size_t length,
                               struct vmf_ovf **ovf, struct vmf_error *error)
{
  const struct vmf_ovf_asked asked = vmf_package_asked(package);

  return vmf_ovf_read_for(package->name, text, length, &asked, NULL, ovf, error);
}

/* ---- another descriptor ---- */

enum vmf_code vmf_package_redescribe(struct vmf_package *package, char *text, size_t length,
                                     struct vmf_error *error)
{
  struct vmf_ovf *ovf;
  enum vmf_code code = vmf_package_read(package, text, length, &ovf, error);

  if (code != VMF_OK) {
    vmf_free(text);
    return vmf_while(error, "what would be written cannot be read");
  }
  if (package->descriptor != package->ovf->xml->text)
    vmf_free(package->descriptor);
  vmf_ovf_free(package->ovf);
  package->ovf = ovf;
  package->descriptor = text;
  package->descriptor_length = length;
  return VMF_OK;
}
