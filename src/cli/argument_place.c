/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "argument_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "names.h"

static bool is_elsewhere(const char *text)
{
  return vmf_names_is_url(text) &&
         (strncasecmp(text, "http", 4) == 0 || strncasecmp(text, "s3:", 3) == 0 ||
          strncasecmp(text, "nbd", 3) == 0);
}

/* Names of images in JSON (-b) are taken apart elsewhere. */
static enum vmf_code plain_path(const char *what, const char *text, struct vmf_error *error)
{
  char *path = NULL, reason[sizeof error->text];

  if (strncmp(text, "json:", 5) == 0)
    return VMF_OK;
  if (is_elsewhere(text))
    return vmf_arguments_wrong(error, "%s: %s: is on another machine, expected a file here", what,
                               text);
  enum vmf_code code = vmf_location_resolve(text, false, &path, error);
  free(path);
  if (code != VMF_USAGE)
    return code;
  memcpy(reason, error->text, sizeof reason);
  return vmf_arguments_wrong(error, "%s: %s", what, reason);
}

static enum vmf_code folder(const char *what, const char *text, struct vmf_error *error)
{
  struct stat status;

  if (stat(text, &status) < 0)
    return vmf_arguments_wrong(error, "%s: the folder %s: %s", what, text, strerror(errno));
  if (!S_ISDIR(status.st_mode))
    return vmf_arguments_wrong(error, "%s: %s: is a file, expected a folder", what, text);
  return VMF_OK;
}

unsigned vmf_argument_places(const struct vmf_argument *argument)
{
  static const struct {
    const char *value;
    unsigned places;
  } rows[] = {
      {"FILE", VMF_PLACE_READ | VMF_PLACE_CHECKED | VMF_PLACE_THERE},
      {"BACKING", VMF_PLACE_READ | VMF_PLACE_BESIDE | VMF_PLACE_CHECKED},
      {"DIR", VMF_PLACE_READ | VMF_PLACE_FOLDER | VMF_PLACE_CHECKED},
      {"MAPFILE", VMF_PLACE_READ | VMF_PLACE_WRITTEN | VMF_PLACE_LATE | VMF_PLACE_CHECKED},
      {"RECORD", VMF_PLACE_READ | VMF_PLACE_WRITTEN | VMF_PLACE_LATE | VMF_PLACE_CHECKED},
      {"JOURNAL", VMF_PLACE_READ | VMF_PLACE_WRITTEN | VMF_PLACE_LATE | VMF_PLACE_CHECKED},
      {"REPORT", VMF_PLACE_WRITTEN | VMF_PLACE_LATE | VMF_PLACE_CHECKED},
      {"OUT", VMF_PLACE_WRITTEN},
      {"KEY", VMF_PLACE_READ | VMF_PLACE_CHECKED | VMF_PLACE_THERE},
      {"PACKAGE", VMF_PLACE_READ},
      {"NAME=DIR", VMF_PLACE_READ},
  };

  for (size_t i = 0; argument->value && i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i].value, argument->value) == 0)
      return rows[i].places;
  return 0;
}

enum vmf_code vmf_argument_place(const struct vmf_argument *argument, const char *what,
                                 const char *text, struct vmf_error *error)
{
  unsigned places = vmf_argument_places(argument);

  if (!text || !(places & VMF_PLACE_CHECKED))
    return VMF_OK;
  enum vmf_code code = plain_path(what, text, error);
  if (code == VMF_OK && (places & VMF_PLACE_FOLDER))
    code = folder(what, text, error);
  if (code == VMF_OK && (places & VMF_PLACE_THERE) && access(text, F_OK) < 0)
    code = vmf_arguments_wrong(error, "%s: %s: %s", what, text, strerror(errno));
  if (code != VMF_OK || !(places & VMF_PLACE_LATE))
    return code;
  char *above = vmf_names_folder(text);
  code = above ? folder(what, above, error) : vmf_arguments_no_memory(error);
  free(above);
  return code;
}
