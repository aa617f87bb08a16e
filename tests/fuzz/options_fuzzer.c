/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a person types: create options of all formats, sizes, names of places, platforms, guest
 * systems. A size that is read is read again of what it says; a name that was resolved stays. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"
#include "fuzz.h"
#include "guest_os.h"
#include "href.h"
#include "json_name.h"
#include "memory.h"
#include "model.h"
#include "options.h"
#include "scratch_files.h"
#include "vmferry.h"

static void measure_all(const char *text)
{
  struct vmf_format_info format = {.size = sizeof format};
  uint64_t required, full;
  struct vmf_error error;

  for (size_t i = 0; vmf_format_describe(i, &format); i++) {
    enum vmf_code code =
        vmf_measure(NULL, 1 << 20, format.name, text, i % 2, &required, &full, &error);
    if (code == VMF_OK ? required > full : error.text[0] == '\0')
      fuzz_fault("%s, %s: %" PRIu64 " of %" PRIu64 " bytes", format.name, text, required, full);
  }
}

static void parse_size(const char *text)
{
  uint64_t size, again;
  struct vmf_error error;
  char number[32];

  if (vmf_parse_size(text, "a size", &size, &error) != VMF_OK)
    return;
  snprintf(number, sizeof number, "%" PRIu64, size);
  if (vmf_parse_size(number, "a size", &again, &error) != VMF_OK || again != size)
    fuzz_fault("%s: %s, then %" PRIu64, text, number, again);
}

static void resolve(const char *text)
{
  char *path, *again;
  struct vmf_error error;

  if (vmf_location_resolve(text, false, &path, &error) != VMF_OK)
    return;
  if (vmf_location_resolve(path, false, &again, &error) != VMF_OK || strcmp(path, again) != 0)
    fuzz_fault("%s: resolved as %s, which is no name", text, path);
  free(path);
  free(again);
}

static void look_up(const char *text, size_t length)
{
  struct vmf_profile_info profile = {.size = sizeof profile};
  struct vmf_error error;
  struct vmf_json_name read = {.path = NULL};
  char list[200];
  uint64_t bytes;

  if (vmf_profile_find(text, &profile, &error) != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s: no platform, without a word", text);
  if (!vmf_guest_os_find(text))
    vmf_guest_os_suggest(text, list, sizeof list);
  if (vmf_json_name_is(text) && vmf_json_name_read(text, &read, &error) == VMF_OK && !read.path)
    fuzz_fault("%s: no path", text);
  vmf_json_name_free(&read);
  vmf_href_is_remote(text);
  vmf_href_fault(text, length);
  vmf_encoding_converter(text);
  vmf_units_bytes(text, &bytes);
  vmf_suffix_meaning(text);
  vmf_format_by_suffix(text);
  vmf_word_similar(text, "streamOptimized");
}

void fuzz_options(const char *unused, const uint8_t *data, size_t size)
{
  char *text = malloc(size + 1);

  (void)unused;
  if (!text)
    abort();
  memcpy(text, data, size);
  text[size] = '\0';
  measure_all(text);
  parse_size(text);
  resolve(text);
  look_up(text, strlen(text));
  free(text);
}
