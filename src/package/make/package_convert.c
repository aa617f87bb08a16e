/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * From one package to another. */
#include <string.h>

#include "caller.h"
#include "conversion.h"
#include "memory.h"
#include "path.h"

/* "dir/vm.ovf": "vm". */
static enum vmf_code stem_of(const char *name, char **stem, struct vmf_error *error)
{
  const char *base = vmf_path_name(name);

  return vmf_copy_bytes(base, vmf_name_stem(base), stem, error);
}

static enum vmf_code read_written(struct vmf_conversion *conversion, struct vmf_ovf **written,
                                  struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;
  size_t length;

  VMF_TRY(vmf_conversion_describe(
      conversion, conversion->target->dry_run ? VMF_DESCRIBE_EARLY : VMF_DESCRIBE_FINAL, &text,
      &length, error));
  return vmf_ovf_read(conversion->package->name, text, length, NULL, written, error);
}

enum vmf_code vmf_package_convert_for(struct vmf_package *package, const char *path,
                                      const struct vmf_package_target *target,
                                      const struct vmf_platform *platform, struct vmf_ovf **written,
                                      struct vmf_error *error)
{
  struct vmf_report report = {.finding = target->findings.finding, .data = target->findings.data};
  struct vmf_destination destination = {0};
  struct vmf_conversion conversion = {.package = package,
                                      .target = target,
                                      .destination = &destination,
                                      .report = &report,
                                      .platform = platform};
  VMF_AUTO_FREE char *name = NULL, *plain = NULL;
  char *options = NULL;

  VMF_TRY(vmf_location_resolve(path, false, &plain, error));
  VMF_TRY(stem_of(package->name, &name, error));
  VMF_TRY(vmf_conversion_form(target, true, &conversion.form, &options, error));
  conversion.options = options;
  enum vmf_code code = vmf_destination_find(plain, name, &destination, error);
  if (code == VMF_OK)
    code = vmf_conversion_run(&conversion, error);
  if (code == VMF_OK && written)
    code = read_written(&conversion, written, error);
  vmf_conversion_clear(&conversion);
  vmf_destination_clear(&destination, code == VMF_OK && !target->dry_run);
  return code;
}

enum vmf_code vmf_package_convert(struct vmf_package *package, const char *path,
                                  const struct vmf_package_target *target, struct vmf_error *error)
{
  struct vmf_package_target own;

  VMF_REQUIRE(package, error);
  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_package_target(target, &own, error));
  return vmf_package_convert_for(package, path, &own, NULL, NULL, error);
}
