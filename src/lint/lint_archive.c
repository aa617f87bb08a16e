/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of the archive that a package is, and of its manifest. */
#include <string.h>

#include "lint_rules.h"

/* Bytes of a header of the archive. */
enum { TYPE_AT = 156, TYPE_PAX = 'x', TYPE_PAX_GLOBAL = 'g' };

/* Where the descriptor stands: folders and what macOS leaves behind are no members here. */
static void check_order(struct vmf_linting *linting, const struct vmf_package *package)
{
  const struct vmf_lint_place place = {.allowed = "the descriptor comes first"};
  size_t index = vmf_package_member(package, package->name);

  if (index < package->tar->count && package->tar->members[index].header > 0)
    vmf_lint_tell(linting, VMF_LINT_VMW_ORDER, &place, "%s is at byte %llu of the archive",
                  package->name, (unsigned long long)package->tar->members[index].header);
}

enum vmf_code vmf_lint_archive(struct vmf_linting *linting, const struct vmf_package *package,
                               struct vmf_error *error)
{
  struct vmf_lint_place place = {.allowed = "headers of ustar or GNU tar"};
  uint8_t type;

  if (!package->tar)
    return VMF_OK;
  check_order(linting, package);
  for (size_t i = 0; i < package->tar->count; i++) {
    const struct vmf_tar_member *member = &package->tar->members[i];
    VMF_TRY(vmf_io_pread(package->io, &type, 1, member->header + TYPE_AT, error));
    place.file = member->name;
    if (type == TYPE_PAX || type == TYPE_PAX_GLOBAL)
      vmf_lint_tell(linting, VMF_LINT_VMW_TAR, &place, "an extended header of POSIX (pax)");
  }
  return VMF_OK;
}

/* "SHA256(name)= digits": the word alone is looked at, the digest is the business of verify. */
static bool line_is_right(const char *line)
{
  static const char *const words[] = {"SHA1(", "SHA256(", "SHA512("};

  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strncmp(line, words[i], strlen(words[i])) == 0)
      return true;
  return line[0] == '\0' || line[0] == '\n' || line[0] == '\r';
}

void vmf_lint_manifest(struct vmf_linting *linting, const struct vmf_package *package)
{
  struct vmf_lint_place place = {.file = package->manifest_name,
                                 .allowed = "SHA1(, SHA256( or SHA512(, without a blank"};

  for (const char *line = package->manifest_text; line && *line;) {
    size_t length = strcspn(line, "\n");
    place.line++;
    if (!line_is_right(line)) /* a line of another kind may be as long as it likes */
      vmf_lint_tell(linting, VMF_LINT_VMW_MF, &place, "a line that begins with \"%.*s\"",
                    (int)(length < 16 ? length : 16), line);
    line += length + (line[length] == '\n');
  }
}
