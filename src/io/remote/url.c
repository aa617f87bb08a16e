/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "url.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "list.h"
#include "memory.h"
#include "text.h"

/* What is not shown of a URL. */
struct hidden {
  char *place; /* all before the last '/' of its path, and that; user and query left out */
  char *user;  /* "user@", or "" */
  char *query; /* "?...", or "" */
};

static struct {
  pthread_mutex_t lock; /* guards what follows; entries stay for good */
  struct hidden *list;
  size_t count, capacity;
} hidden = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char mark[] = "..."; /* the first entry; "...2": the second */

/* The parts of a URL, which they point into. */
struct parts {
  size_t scheme;    /* with "://" */
  const char *user; /* with "@", or empty */
  size_t user_length;
  const char *rest; /* host and path */
  size_t rest_length;
  const char *query; /* with "?", or empty */
  size_t query_length;
  const char *disk; /* "::DISK", or "" */
};

static size_t scheme_length(const char *name)
{
  static const char *const schemes[] = {"http://", "https://",    "s3://",       "nbd://",
                                        "nbds://", "nbd+unix://", "nbds+unix://"};

  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
    if (strncasecmp(name, schemes[i], strlen(schemes[i])) == 0)
      return strlen(schemes[i]);
  return 0;
}

bool vmf_url_is(const char *name)
{
  return scheme_length(name) > 0;
}

bool vmf_url_is_nbd(const char *name)
{
  return scheme_length(name) > 0 && (name[0] | 0x20) == 'n';
}

bool vmf_url_is_s3(const char *name)
{
  return scheme_length(name) > 0 && (name[0] | 0x20) == 's';
}

/* The key of an object is as it is, whatever is in it. */
static struct parts split_object(const char *url, size_t scheme)
{
  const char *rest = url + scheme, *path = strchr(rest, '/');
  const char *disk = path ? strstr(path, "::") : NULL;
  const char *end = disk ? disk : rest + strlen(rest);

  return (struct parts){.scheme = scheme,
                        .user = rest,
                        .rest = rest,
                        .rest_length = (size_t)(end - rest),
                        .query = end,
                        .disk = end};
}

static struct parts split(const char *url)
{
  struct parts parts = {.scheme = scheme_length(url)};
  if (vmf_url_is_s3(url))
    return split_object(url, parts.scheme);
  const char *authority = url + parts.scheme;
  size_t length = strcspn(authority, "/?#");
  const char *at = memrchr(authority, '@', length);

  parts.user = authority;
  parts.rest = at ? at + 1 : authority;
  parts.user_length = (size_t)(parts.rest - authority);
  const char *path = authority + length, *disk = strstr(path, "::");
  parts.disk = disk ? disk : path + strlen(path);
  const char *query = memchr(path, '?', (size_t)(parts.disk - path));
  parts.query = query && !vmf_url_is_nbd(url) ? query : parts.disk;
  parts.query_length = (size_t)(parts.disk - parts.query);
  parts.rest_length = (size_t)(parts.query - parts.rest);
  return parts;
}

size_t vmf_url_length(const char *name)
{
  return (size_t)(split(name).disk - name);
}

/* The number of the entry that a shown name has; 0: it has none. */
static size_t number_of(const struct parts *parts)
{
  size_t length = sizeof mark - 1, number = 1;
  char behind = '\0';

  if (parts->user_length <= length || strncmp(parts->user, mark, length) != 0)
    return 0;
  if (parts->user[length] != '@' &&
      (sscanf(parts->user + length, "%6zu%c", &number, &behind) != 2 || behind != '@'))
    return 0;
  return number;
}

/* The URL without user and query, up to the last '/' of its path. */
static enum vmf_code place_of(const char *url, const struct parts *parts, char **place,
                              struct vmf_error *error)
{
  const char *slash = memrchr(parts->rest, '/', parts->rest_length);
  size_t length = slash ? (size_t)(slash + 1 - parts->rest) : parts->rest_length;

  return vmf_format(place, error, "%.*s%.*s%s", (int)parts->scheme, url, (int)length, parts->rest,
                    slash ? "" : "/");
}

/* ---- what is hidden ---- */

static bool same_text(const char *text, const char *other, size_t length)
{
  return strlen(text) == length && memcmp(text, other, length) == 0;
}

static void free_hidden(const struct hidden *entry)
{
  vmf_free(entry->place);
  vmf_free(entry->user);
  vmf_free(entry->query);
}

/* The lock is held. */
static enum vmf_code add_entry(const char *place, const struct parts *parts,
                               struct vmf_error *error)
{
  struct hidden entry = {0};

  VMF_TRY(VMF_LIST_ROOM(hidden.list, hidden.count, hidden.capacity, "URLs", error));
  enum vmf_code code = vmf_copy_text(place, &entry.place, error);
  if (code == VMF_OK)
    code = vmf_copy_bytes(parts->user, parts->user_length, &entry.user, error);
  if (code == VMF_OK)
    code = vmf_copy_bytes(parts->query, parts->query_length, &entry.query, error);
  if (code == VMF_OK)
    hidden.list[hidden.count++] = entry;
  else
    free_hidden(&entry);
  return code;
}

/* *number: of the entry for this place, user and query, from 1 on. */
static enum vmf_code hide(const char *place, const struct parts *parts, size_t *number,
                          struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  pthread_mutex_lock(&hidden.lock);
  size_t i = 0;
  while (i < hidden.count && !(strcmp(hidden.list[i].place, place) == 0 &&
                               same_text(hidden.list[i].user, parts->user, parts->user_length) &&
                               same_text(hidden.list[i].query, parts->query, parts->query_length)))
    i++;
  if (i == hidden.count)
    code = add_entry(place, parts, error);
  pthread_mutex_unlock(&hidden.lock);
  *number = i + 1;
  return code;
}

/* The URL of what is in that place, with what was hidden of it. */
static enum vmf_code unhide(const char *shown, const struct parts *parts, size_t number, char **url,
                            struct vmf_error *error)
{
  VMF_AUTO_FREE char *place = NULL;
  enum vmf_code code = VMF_OK;

  VMF_TRY(place_of(shown, parts, &place, error));
  pthread_mutex_lock(&hidden.lock);
  const struct hidden *entry = number <= hidden.count ? &hidden.list[number - 1] : NULL;
  bool found = entry && strncmp(place, entry->place, strlen(entry->place)) == 0;
  if (found)
    code = vmf_format(url, error, "%.*s%s%.*s%s", (int)parts->scheme, shown, entry->user,
                      (int)parts->rest_length, parts->rest, entry->query);
  pthread_mutex_unlock(&hidden.lock);
  return found ? code
               : vmf_fail(error, VMF_USAGE,
                          "%s: \"%s\" stands for what is not shown of a URL, and no such URL was "
                          "named before",
                          shown, mark);
}

enum vmf_code vmf_url_whole(const char *shown, char **url, struct vmf_error *error)
{
  const struct parts parts = split(shown);
  size_t number = number_of(&parts);

  return number > 0 ? unhide(shown, &parts, number, url, error)
                    : vmf_copy_bytes(shown, (size_t)(parts.disk - shown), url, error);
}

/* ---- names ---- */

/* Nothing of a URL that may be a secret is in a message. */
static enum vmf_code check_text(const char *url, const struct parts *parts, struct vmf_error *error)
{
  const int shown = (int)parts->rest_length;
  bool object = vmf_url_is_s3(url);

  for (const char *c = url; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f || (!object && (*c == ' ' || *c == '#')))
      return vmf_fail(error, VMF_USAGE,
                      "%.*s%.*s: is no URL of a file: byte %d is 0x%02x, expected it escaped as "
                      "%%%02X",
                      (int)parts->scheme, url, (int)strcspn(parts->rest, "/ ?#"), parts->rest,
                      (int)(c - url), (unsigned char)*c, (unsigned char)*c);
  if (parts->rest_length == 0 || (parts->rest[0] == '/' && !strstr(url, "+unix://")))
    return vmf_fail(error, VMF_USAGE, "%.*s: is no URL: the host is missing", (int)parts->scheme,
                    url);
  if (!memchr(parts->user, ':', parts->user_length))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%.*s%.*s: has a password in it, which everybody sees who lists processes; "
                  "expected it in ~/.netrc (--netrc), or as a header in a file (--header @FILE)",
                  (int)parts->scheme, url, shown, parts->rest);
}

enum vmf_code vmf_url_resolve(const char *url, char **shown, struct vmf_error *error)
{
  VMF_AUTO_FREE char *place = NULL, *whole = NULL;
  const struct parts parts = split(url);
  size_t number = number_of(&parts);
  char which[32] = "";

  VMF_TRY(check_text(url, &parts, error));
  if (number > 0) {
    VMF_TRY(unhide(url, &parts, number, &whole, error));
    return vmf_copy_text(url, shown, error);
  }
  if (vmf_url_is_nbd(url) || (parts.user_length == 0 && parts.query_length == 0))
    return vmf_copy_text(url, shown, error);
  VMF_TRY(place_of(url, &parts, &place, error));
  VMF_TRY(hide(place, &parts, &number, error));
  if (number > 1)
    snprintf(which, sizeof which, "%zu", number);
  /* the path of none is "/" (RFC 3986 section 6.2.3): a disk behind it is not of the host's name */
  const char *path = memchr(parts.rest, '/', parts.rest_length) ? "" : "/";
  return vmf_format(shown, error, "%.*s%s%s@%.*s%s%s", (int)parts.scheme, url, mark, which,
                    (int)parts.rest_length, parts.rest, path, parts.disk);
}

static bool is_escape(const char *text)
{
  return text[0] == '%' && vmf_hex_digit(text[1]) >= 0 && vmf_hex_digit(text[2]) >= 0;
}

/* As a server reads it; -1: the end. */
static int next_byte(const char **name)
{
  const char *at = *name;

  if (!*at)
    return -1;
  *name += is_escape(at) ? 3 : 1;
  return is_escape(at) ? vmf_hex_digit(at[1]) << 4 | vmf_hex_digit(at[2]) : (unsigned char)*at;
}

/* Some servers take "..;x" for "..", too. */
static bool leads_out(const char *name)
{
  unsigned dots = 0;
  bool other = false;
  int byte;

  do {
    byte = next_byte(&name);
    bool end = byte < 0 || byte == '/' || byte == '\\' || byte == ';';
    if (end && dots == 2 && !other)
      return true;
    dots = end ? 0 : dots + (byte == '.');
    other = !end && (other || byte != '.');
  } while (byte >= 0);
  return false;
}

/* What a name is in a path (RFC 3986, 3.3); of the name of a URL, what is escaped stays so. The
 * room is that of three times the name. */
static void escape(const char *name, char *out)
{
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=@/";

  for (; *name; name++)
    if (strchr(plain, *name) || is_escape(name))
      *out++ = *name;
    else
      out += sprintf(out, "%%%02X", (unsigned char)*name);
  *out = '\0';
}

enum vmf_code vmf_url_beside(const char *shown, const char *name, char **beside,
                             struct vmf_error *error)
{
  const struct parts parts = split(shown);
  const char *slash = memrchr(parts.rest, '/', parts.rest_length);
  VMF_AUTO_FREE void *escaped = NULL;

  if (vmf_url_is_nbd(shown))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: names the file \"%.160s\", and an NBD server has no files beside it",
                    shown, name);
  if (!vmf_url_is_s3(shown) && leads_out(name))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: refers to \"%.160s\", which is not in its own folder on the server", shown,
                    name);
  VMF_TRY(vmf_alloc(3 * strlen(name) + 1, &escaped, error));
  if (vmf_url_is_s3(shown))
    strcpy(escaped, name);
  else
    escape(name, escaped);
  size_t folder = slash ? (size_t)(slash - shown) : (size_t)(parts.query - shown);
  return vmf_format(beside, error, "%.*s/%s", (int)folder, shown, (const char *)escaped);
}
