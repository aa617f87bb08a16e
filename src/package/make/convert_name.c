/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a file is called in the new package: as in the old one, where that is possible. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conversion.h"
#include "memory.h"
#include "path.h"
#include "tar.h"
#include "text.h"

enum {
  SAME_NAMES = 100, /* files; a bound for hostile packages */
  SUFFIX_MAX = 20   /* bytes; what is longer is no suffix */
};

static bool is_taken(const struct vmf_destination *destination, const struct vmf_assembly *assembly,
                     const char *name)
{
  const char *own = destination->descriptor_name;
  size_t stem = vmf_name_stem(own);

  if (strncasecmp(name, own, stem) == 0 &&
      (strcasecmp(name + stem, ".ovf") == 0 || strcasecmp(name + stem, ".mf") == 0 ||
       strcasecmp(name + stem, ".cert") == 0))
    return true;
  for (size_t i = 0; i < assembly->count; i++)
    if (strcasecmp(assembly->files[i].name, name) == 0)
      return true;
  return false;
}

/* NAME or NAME-N with its suffix, cut where that is longer than a name can be. */
static enum vmf_code put_together(const char *stem, size_t length, unsigned number,
                                  const char *suffix, size_t limit, char **name,
                                  struct vmf_error *error)
{
  char end[32] = "";

  if (number > 1)
    snprintf(end, sizeof end, "-%u", number);
  size_t more = strlen(end) + (*suffix ? 1 : 0) + strlen(suffix);
  return vmf_format(name, error, "%.*s%s%s%s", (int)vmf_text_fit(stem, length, limit - more), stem,
                    end, *suffix ? "." : "", suffix);
}

static void tell_cut_name(const struct vmf_conversion *conversion, const char *base,
                          const char *name, size_t limit)
{
  if (strlen(base) > limit)
    vmf_report_add(conversion->report, VMF_SEVERITY_WARNING, "name-cut", conversion->package->path,
                   0, "\"%s\" has %zu bytes in its name, more than %zu: it is called \"%s\" now",
                   base, strlen(base), limit, name);
}

enum vmf_code vmf_conversion_name(const struct vmf_conversion *conversion, const char *stored,
                                  const char *suffix, char **name, struct vmf_error *error)
{
  const char *base = vmf_path_name(stored);
  size_t stem = vmf_name_stem(base);
  size_t limit = conversion->destination->archive ? VMF_TAR_NAME_WRITTEN : NAME_MAX;
  const char *tail = suffix ? suffix : base + stem + (base[stem] == '.');

  if (strlen(tail) > SUFFIX_MAX) {
    stem = strlen(base);
    tail = "";
  }

  for (unsigned number = 1; number <= SAME_NAMES; number++) {
    VMF_AUTO_FREE char *made = NULL;
    VMF_TRY(put_together(base, stem, number, tail, limit, &made, error));
    if (!is_taken(conversion->destination, &conversion->assembly, made)) {
      tell_cut_name(conversion, base, made, limit);
      *name = made;
      made = NULL;
      return VMF_OK;
    }
  }
  return vmf_fail(error, VMF_LIMIT, "%s: more than %d files of one name", stored, SAME_NAMES);
}
