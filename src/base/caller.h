/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a caller hands to the functions of vmferry.h: pointers that may not be NULL, and structs of
 * the version of the header that the caller was compiled with, which grow at their end. */
#ifndef VMF_BASE_CALLER_H
#define VMF_BASE_CALLER_H

#include "error.h"

/* In a public function: neither its parameter of that name nor `error` may be NULL. */
#define VMF_REQUIRE(parameter, error)                                                              \
  do {                                                                                             \
    if (!(parameter) || !(error))                                                                  \
      return vmf_fail(error, VMF_USAGE, "%s: the parameter %s is NULL", __func__, #parameter);     \
  } while (0)

/* Every struct of vmferry.h that begins with its size, and the last member of its first version. A
 * member that comes later starts at the former sizeof or behind it, not in the padding. */
#define VMF_SIZED_STRUCTS(row)                                                                     \
  row(format_info, writable) row(option_info, max) row(image_options, max_bytes) row(extent, file) \
      row(findings, data) row(target_options, log) row(job_options, max_bytes) row(                \
          job_result, difference) row(package_options, max_bytes) row(package_disk, capacity)      \
          row(package_check, max_bytes) row(package_verdict, bytes) row(package_target, max_bytes) \
              row(guest_os_info, vbox) row(disk_form_info, uri) row(machine_options, template_)    \
                  row(package_trust, signer) row(package_result, bytes)                            \
                      row(machine_format_info, container) row(machine_target_options, dry_run)     \
                          row(profile_info, source) row(confinement, calls_miss)                   \
                              row(confinement_options, landlock_abi)                               \
                                  row(install_options, property_count) row(lint_options, data)     \
                                      row(lint_result, package) row(lint_rule_info, source)        \
                                          row(machine_edits, remove_cd) row(edit_target, files)    \
                                              row(remote_options, log) row(apply_options, log)     \
                                                  row(clean_options, data) row(source, data)       \
                                                      row(package_file, disk)

/* Copies what the caller gave into *own, of own_size bytes, the rest zeros; given == NULL: all
 * zeros, the defaults. VMF_USAGE: given->size is smaller than `first`, or something stands behind
 * what is known here. */
VMF_MUST_CHECK enum vmf_code vmf_sized_take(const void *given, void *own, size_t own_size,
                                            size_t first, const char *name,
                                            struct vmf_error *error);

/* Copies results back, as far as the caller knows them; given->size stays. given may be NULL. */
void vmf_sized_give(const void *own, size_t own_size, void *given);

/* vmf_take_job_options(given, &own, error), vmf_give_job_result(&own, given), and so on. */
#define VMF_SIZED_DEFINE(struct_name, last)                                                        \
  VMF_MUST_CHECK static inline enum vmf_code vmf_take_##struct_name(                               \
      const struct vmf_##struct_name *given, struct vmf_##struct_name *own,                        \
      struct vmf_error *error)                                                                     \
  {                                                                                                \
    return vmf_sized_take(given, own, sizeof(*own),                                                \
                          offsetof(struct vmf_##struct_name, last) + sizeof(own->last),            \
                          "struct vmf_" #struct_name, error);                                      \
  }                                                                                                \
  static inline void vmf_give_##struct_name(const struct vmf_##struct_name *own,                   \
                                            struct vmf_##struct_name *given)                       \
  {                                                                                                \
    vmf_sized_give(own, sizeof(*own), given);                                                      \
  }
VMF_SIZED_STRUCTS(VMF_SIZED_DEFINE)

#endif
