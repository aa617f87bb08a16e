/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * "NAME:" at the start of a name is a protocol, as in qemu-img and in URLs: taken for a part of a
 * file's name, it would make a file in place of what was meant, without a word. */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "caller.h"
#include "handed.h"
#include "json_name.h"
#include "memory.h"
#include "text.h"
#include "url.h"

/* The length of the "nbd" of "nbd:host": a letter, then letters, digits and "+.-_", with a colon
 * behind and no '/' before it. 0: a plain path. */
static size_t protocol_length(const char *name)
{
  static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-_";
  size_t length = strspn(name, word);
  bool starts = (name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z';

  return starts && name[length] == ':' ? length : 0;
}

/* Resolves %-escapes in place; false where one is wrong or stands for no character of a path. */
static bool unescape(char *text)
{
  char *out = text;

  for (; *text; text++) {
    int high = *text == '%' ? vmf_hex_digit(text[1]) : 0;
    int low = *text == '%' && high >= 0 ? vmf_hex_digit(text[2]) : 0;

    if (high < 0 || low < 0)
      return false;
    *out = *text;
    if (*text == '%') {
      *out = (char)(high << 4 | low);
      text += 2;
      if (*out == '\0' || *out == '/')
        return false;
    }
    out++;
  }
  *out = '\0';
  return true;
}

/* "file:PATH" is the path as it is written; "file:///PATH" is a URL (RFC 8089). */
static enum vmf_code file_path(const char *name, char **path, struct vmf_error *error)
{
  const char *rest = name + strlen("file:");

  if (rest[0] != '/' || rest[1] != '/')
    return vmf_copy_text(rest, path, error);
  const char *local = rest + 2;
  if (strncasecmp(local, "localhost/", 10) == 0)
    local += strlen("localhost");
  if (local[0] != '/')
    return vmf_fail(error, VMF_USAGE,
                    "%s: names another host; expected file:PATH or file:///PATH of a file here",
                    name);
  VMF_TRY(vmf_copy_text(local, path, error));
  if (strpbrk(*path, "?#") == NULL && unescape(*path))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: is no URL of a file: expected %%-escapes of two digits, and ? and # as %%3F "
                  "and %%23; file:PATH takes a path as it is",
                  name);
}

/* Whether "::" is ours: PACKAGE::DISK, or a file whose name has it. */
static bool names_disk(const char *name)
{
  struct stat status;

  if (!strstr(name, "::"))
    return false;
  if (stat(name, &status) == 0)
    return true;
  for (const char *colons = strstr(name, "::"); colons; colons = strstr(colons + 1, "::")) {
    VMF_AUTO_FREE char *package = NULL;
    if (vmf_copy_bytes(name, (size_t)(colons - name), &package, NULL) == VMF_OK &&
        stat(package, &status) == 0)
      return true;
  }
  return false;
}

/* How what a protocol leads to becomes a file here; "" where nobody knows. */
static const char *source_advice(const char *protocol, size_t length)
{
  static const struct {
    const char *protocol, *advice;
  } rows[] = {
      {"ftp", " (fetch it first, curl -O, or through a pipe: curl URL | vmferry convert - TARGET)"},
      {"ssh", " (through a pipe: ssh HOST cat FILE | vmferry convert - TARGET)"},
      {"sftp", " (through a pipe: ssh HOST cat FILE | vmferry convert - TARGET)"},
      {"rbd", " (through a pipe: rbd export POOL/IMAGE - | vmferry convert - TARGET)"},
      {"iscsi", " (iscsiadm makes a block device of it, which can be read)"},
      {"nvme", " (name the block device, /dev/nvme...)"},
      {"nfs", " (mount it first)"},
      {"gluster", " (mount it first)"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strlen(rows[i].protocol) == length && strncasecmp(rows[i].protocol, protocol, length) == 0)
      return rows[i].advice;
  return "";
}

enum vmf_code vmf_location_resolve(const char *name, bool source, char **path,
                                   struct vmf_error *error)
{
  VMF_AUTO_FREE char *plain = NULL;

  VMF_REQUIRE(path, error);
  *path = NULL;
  VMF_REQUIRE(name, error);
  if (source ? vmf_handed_is_input(name) : vmf_handed_output(name) == 1)
    return vmf_copy_text("-", path, error);
  if (vmf_url_is(name) && (source || !vmf_url_is_nbd(name)))
    return vmf_url_resolve(name, path, error);
  size_t protocol = protocol_length(name);
  if (source && vmf_json_name_is(name))
    return vmf_copy_text(name, path, error);
  if (protocol == 0 || (source && names_disk(name)))
    return vmf_copy_text(name, path, error);
  bool package = source && name[protocol + 1] == ':';
  if (protocol != 4 || strncasecmp(name, "file", 4) != 0)
    return vmf_fail(error, VMF_USAGE,
                    "%.*s: is a protocol that is not read or written yet%s, expected the path of a "
                    "file%s; a file of this very name is ./%s",
                    (int)protocol, name, package ? ", or a package that is not there" : "",
                    source ? source_advice(name, protocol) : "", name);
  VMF_TRY(file_path(name, &plain, error));
  if (plain[0] == '\0')
    return vmf_fail(error, VMF_USAGE, "%s: the path is missing", name);
  /* what it means must not change when it is looked at again */
  bool ambiguous = protocol_length(plain) > 0 || strcmp(plain, "-") == 0;
  return vmf_format(path, error, "%s%s", ambiguous ? "./" : "", plain);
}
