/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "remote_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "list.h"
#include "memory.h"

enum {
  RETRY_SECONDS = 15 * 60,
  HEADERS_MOST = 64,
  HEADER_BYTES = 16 << 10,
  STALL_MOST = 24 * 60 * 60
};

static struct vmf_remote_settings settings = {.retry_seconds = RETRY_SECONDS};

const struct vmf_remote_settings *vmf_remote_settings(void)
{
  return &settings;
}

unsigned vmf_remote_stall(unsigned usual)
{
  const char *text = secure_getenv("VMFERRY_STALL_TIME");
  unsigned long seconds = text ? strtoul(text, NULL, 10) : 0;

  return seconds > 0 && seconds <= STALL_MOST ? (unsigned)seconds : usual;
}

static void free_headers(char **headers)
{
  for (char **header = headers; header && *header; header++)
    vmf_free(*header);
  vmf_free(headers);
}

struct headers {
  char **list; /* ends with NULL */
  size_t count, capacity;
};

/* The text of a line is a secret and in no message. */
static enum vmf_code add_header(struct headers *headers, const char *path, unsigned number,
                                char *line, struct vmf_error *error)
{
  size_t length = strcspn(line, "\r\n"), name = strcspn(line, ": \t");

  line[length] = '\0';
  if (length == 0 || line[0] == '#')
    return VMF_OK;
  if (name == 0 || line[name] != ':')
    return vmf_fail(error, VMF_USAGE, "%s:%u: is no header, expected \"Name: value\"", path,
                    number);
  if (headers->count == HEADERS_MOST)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: more than %d headers", path, number, HEADERS_MOST);
  /* one place stays for the NULL behind the last */
  size_t needed = headers->count + 1;
  VMF_TRY(VMF_LIST_ROOM(headers->list, needed, headers->capacity, "headers", error));
  enum vmf_code code = vmf_copy_text(line, &headers->list[headers->count], error);
  headers->count += code == VMF_OK;
  headers->list[headers->count] = NULL;
  return code;
}

static enum vmf_code read_headers(struct headers *headers, const char *path,
                                  struct vmf_error *error)
{
  FILE *file = fopen(path, "re");
  VMF_AUTO_FREE void *line = NULL;
  enum vmf_code code = VMF_OK;
  unsigned number = 0;

  if (!file)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the headers cannot be read", path);
  code = vmf_alloc(HEADER_BYTES, &line, error);
  while (code == VMF_OK && fgets(line, HEADER_BYTES, file)) {
    number++;
    if (strlen(line) == HEADER_BYTES - 1)
      code = vmf_fail(error, VMF_LIMIT, "%s:%u: more than %d bytes", path, number, HEADER_BYTES);
    else
      code = add_header(headers, path, number, line, error);
  }
  if (code == VMF_OK && ferror(file))
    code = vmf_fail_errno(error, VMF_READ, "%s: the headers", path);
  fclose(file);
  return code;
}

static void clear(struct vmf_remote_settings *old)
{
  free_headers(old->headers);
  vmf_free(old->endpoint);
  vmf_free(old->region);
  vmf_free(old->profile);
}

static enum vmf_code copy_said(const char *text, char **copy, struct vmf_error *error)
{
  return text ? vmf_copy_text(text, copy, error) : VMF_OK;
}

static enum vmf_code take_stores(const struct vmf_remote_options *options,
                                 struct vmf_remote_settings *made, struct vmf_error *error)
{
  made->unsigned_requests = options->unsigned_requests;
  VMF_TRY(copy_said(options->endpoint, &made->endpoint, error));
  VMF_TRY(copy_said(options->region, &made->region, error));
  return copy_said(options->profile, &made->profile, error);
}

enum vmf_code vmf_remote_set(const struct vmf_remote_options *options, struct vmf_error *error)
{
  struct vmf_remote_options own;
  struct headers headers = {0};
  enum vmf_code code = VMF_OK;

  VMF_REQUIRE(options, error);
  VMF_TRY(vmf_take_remote_options(options, &own, error));
  for (const char *const *path = own.header_files; path && *path && code == VMF_OK; path++)
    code = read_headers(&headers, *path, error);
  struct vmf_remote_settings made = {.headers = headers.list,
                                     .netrc = own.netrc,
                                     .retry_seconds =
                                         own.retry_seconds > 0 ? own.retry_seconds : RETRY_SECONDS,
                                     .cancel = own.cancel,
                                     .log = own.log,
                                     .spool_folder = own.spool_folder,
                                     .max_bytes = own.max_bytes};
  if (code == VMF_OK)
    code = take_stores(&own, &made, error);
  if (code != VMF_OK) {
    clear(&made);
    return code;
  }
  clear(&settings);
  settings = made;
  return VMF_OK;
}
