/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * From one package to another. */
#include <string.h>
#include <sys/stat.h>

#include "conversion.h"
#include "memory.h"

/* "dir/vm.ovf": "vm". */
static enum vmf_code stem_of(const char *name, char **stem, struct vmf_error *error)
{
  const char *slash = strrchr(name, '/');
  const char *base = slash ? slash + 1 : name;
  const char *dot = strrchr(base, '.');

  return vmf_copy_bytes(base, dot && dot > base ? (size_t)(dot - base) : strlen(base), stem, error);
}

/* An archive that is written over itself would be read while it is replaced: harmless, since the
 * new one has another name until it is done. A descriptor is refused, as its disks are beside it.
 */
static enum vmf_code check_target(const struct vmf_package *package,
                                  const struct vmf_destination *destination,
                                  struct vmf_error *error)
{
  struct stat source, there;
  const char *path = package->io ? package->path : package->descriptor_path;

  if (strcmp(destination->path, "-") == 0 || stat(path, &source) < 0 ||
      stat(destination->path, &there) < 0)
    return VMF_OK;
  if (source.st_dev == there.st_dev && source.st_ino == there.st_ino)
    return vmf_fail(error, VMF_USAGE, "%s: is the source itself", destination->path);
  return VMF_OK;
}

enum vmf_code vmf_package_convert(struct vmf_package *package, const char *path,
                                  const struct vmf_package_target *target, struct vmf_error *error)
{
  struct vmf_report report = {.finding = target->findings.finding, .data = target->findings.data};
  struct vmf_destination destination = {0};
  struct vmf_conversion conversion = {
      .package = package, .target = target, .destination = &destination, .report = &report};
  VMF_AUTO_FREE char *name = NULL;
  char *options = NULL;

  VMF_TRY(stem_of(package->name, &name, error));
  VMF_TRY(vmf_conversion_form(target, &conversion.form, &options, error));
  conversion.options = options;
  enum vmf_code code = vmf_destination_find(path, name, &destination, error);
  if (code == VMF_OK)
    code = check_target(package, &destination, error);
  if (code == VMF_OK)
    code = vmf_conversion_run(&conversion, error);
  vmf_conversion_clear(&conversion);
  vmf_destination_clear(&destination, code == VMF_OK);
  return code;
}
