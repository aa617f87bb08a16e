/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which format an image has: the one that is named, or what its content, name and kind say. */
#include "checked.h"
#include "luks.h"
#include "memory.h"
#include "opening.h"
#include "raw_content.h"
#include "unpack.h"

enum { LUKS_LOOKED = 1 << 20 /* bytes: where second headers stand, but of unusual sizes */ };

/* Whether it is a disk of LUKS2 whose first header is gone. Its second one is left behind by a disk
 * that was partitioned or formatted anew, too: what shows that is raw. */
static enum vmf_code is_headless(struct vmf_io *io, bool *headless, struct vmf_error *error)
{
  const char *structure;
  struct vmf_luks *luks;

  *headless = false;
  VMF_TRY(vmf_raw_structure(io, &structure, error));
  if (structure)
    return VMF_OK;
  enum vmf_code code = vmf_luks_read(io, 0, vmf_min(io->size, LUKS_LOOKED), NULL, &luks, error);
  *headless = code == VMF_OK;
  vmf_free(luks);
  return code == VMF_CORRUPT || code == VMF_UNSUPPORTED || code == VMF_LIMIT ? VMF_OK : code;
}

/* What cannot be read is no reason against it: whoever reads the disk will be told, or salvages. */
static enum vmf_code refuse_headless(struct vmf_io *io, const struct vmf_log *log,
                                     struct vmf_error *error)
{
  struct vmf_error why;
  bool headless;

  enum vmf_code code = is_headless(io, &headless, &why);
  if (code == VMF_READ)
    vmf_warn(log, "%s; whether it is a LUKS2 disk without its first header is not known", why.text);
  else if (code != VMF_OK)
    return vmf_fail_again(&why, error);
  if (!headless)
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the content is a LUKS2 disk whose first header is damaged; -f luks reads it "
                  "by its second one, -f raw takes the file as it is, encrypted",
                  io->name);
}

/* Content that no format knows: raw where nothing else can be meant. */
static enum vmf_code take_unknown(struct vmf_io *io, const struct vmf_opening *opening,
                                  bool *guessed, struct vmf_error *error)
{
  const struct vmf_format *said = vmf_format_suffixed(vmf_content_name(io));
  const struct vmf_log *log = opening->options->log;
  const char *guess = NULL;
  bool raw = opening->split;

  VMF_TRY(refuse_headless(io, log, error));
  if (!raw)
    VMF_TRY(vmf_raw_content(io, log, &raw, error));
  if (raw)
    return VMF_OK;
  *guessed = !opening->child && opening->options->unknown_is_raw;
  if (opening->child)
    vmf_warn(log,
             "%s: its child names no format and the content matches no known format: taken as raw",
             io->name);
  if (opening->child || *guessed)
    return VMF_OK;
  VMF_TRY(vmf_probe_guess(io, &guess, error));
  if (guess && said)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is %s, and not the %s that the name says; if it is a raw disk "
                    "all the same, say -f raw",
                    io->name, guess, said->name);
  if (guess)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is %s, and no disk; if it is a raw disk all the same, say "
                    "-f raw",
                    io->name, guess);
  if (said)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content matches no known format, nor is it the %s that the name says: "
                    "it is damaged, or something else; if it is a raw disk, say -f raw",
                    io->name, said->name);
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the content matches no known format; if it is a raw disk, say -f raw",
                  io->name);
}

enum vmf_code vmf_choose_format(struct vmf_io *io, const struct vmf_opening *opening,
                                const struct vmf_format **format, bool *guessed,
                                struct vmf_error *error)
{
  const struct vmf_format *raw = vmf_format_find("raw");
  const char *name = opening->format;

  *guessed = false;
  if (name) {
    *format = vmf_format_find(name);
    if (!*format || !(*format)->reader) {
      const char *hint = *format ? NULL : vmf_format_hint(name);

      return vmf_fail(error, opening->child ? VMF_UNSUPPORTED : VMF_USAGE,
                      "%s: format \"%s\" is not one that can be read%s%s%s", io->name, name,
                      hint ? "; did you mean " : "", hint ? hint : "", hint ? "?" : "");
    }
    if (*format == raw && !opening->child && !opening->options->salvage)
      VMF_TRY(vmf_probe_taken_as_raw(io, opening->options->log, error));
    return VMF_OK;
  }
  if (io->size == 0 && opening->options->unknown_is_raw) {
    vmf_warn(opening->options->log, "%s: the file is empty: taken as a raw disk of no bytes",
             io->name);
    *format = raw;
    return VMF_OK;
  }
  VMF_TRY(vmf_probe_io(io, format, error));
  if (*format)
    return VMF_OK;
  VMF_TRY(take_unknown(io, opening, guessed, error));
  *format = raw;
  return VMF_OK;
}
