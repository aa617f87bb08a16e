/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The property list: one dictionary, whose keys and values take turns. */
#include <inttypes.h>
#include <string.h>

#include "memory.h"
#include "sparsebundle.h"
#include "text.h"
#include "xml.h"

enum { SECTOR = 512, DIGITS_MAX = 18 };
#define BAND_MAX (UINT64_C(1) << 33) /* hdiutil makes none that are larger */

/* The document type, which names a file on a server, says nothing: blanks in its place, lines stay.
 */
static void blank_type(char *text, size_t length)
{
  static const char type[] = "<!DOCTYPE";

  for (size_t at = 0; at + sizeof type <= length; at++) {
    if (memcmp(text + at, type, sizeof type - 1) != 0)
      continue;
    const char *end = memchr(text + at, '>', length - at);
    if (!end || memchr(text + at, '[', (size_t)(end - text) - at))
      return; /* the parser refuses it */
    for (; text + at <= end; at++)
      text[at] = text[at] == '\n' ? '\n' : ' ';
    return;
  }
}

static enum vmf_code parse(const struct vmf_image *image, struct vmf_xml **xml,
                           struct vmf_error *error)
{
  VMF_AUTO_FREE void *text = NULL;
  size_t length = (size_t)image->io->size;

  if (image->io->size > image->limits->descriptor)
    return vmf_fail(error, VMF_LIMIT, "%s: a property list of %" PRIu64 " bytes, at most %" PRIu32,
                    image->io->name, image->io->size, image->limits->descriptor);
  VMF_TRY(vmf_alloc(length, &text, error));
  VMF_TRY(vmf_io_pread(image->io, text, length, 0, error));
  if (length >= 6 && memcmp(text, "bplist", 6) == 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: a binary property list; \"plutil -convert xml1\" makes XML of it",
                    image->io->name);
  blank_type(text, length);
  return vmf_xml_parse(image->io->name, text, length, NULL, xml, error);
}

/* The value of a key, a fresh string; NULL: it has none. */
static enum vmf_code value_of(const struct vmf_image *image, const xmlNode *dict, const char *key,
                              const char *type, char **value, struct vmf_error *error)
{
  xmlNode *node = vmf_xml_child(dict, NULL, "key");

  for (*value = NULL; node; node = vmf_xml_find(node->next, NULL, "key")) {
    VMF_AUTO_FREE char *name = NULL;
    VMF_TRY(vmf_xml_text(node, &name, error));
    if (strcmp(name, key) != 0)
      continue;
    const xmlNode *found = vmf_xml_find(node->next, NULL, NULL);
    if (*value || !found || !vmf_xml_is(found, NULL, type))
      return vmf_fail(error, VMF_CORRUPT, "%s: line %u: the key \"%s\" %s", image->io->name,
                      vmf_xml_line(node), key, *value ? "for the second time" : "has no value");
    VMF_TRY(vmf_xml_text(found, value, error));
  }
  return VMF_OK;
}

static enum vmf_code number_of(const struct vmf_image *image, const xmlNode *dict, const char *key,
                               uint64_t most, uint64_t *number, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(value_of(image, dict, key, "integer", &text, error));
  if (!text)
    return vmf_fail(error, VMF_CORRUPT, "%s: no \"%s\"", image->io->name, key);
  if (strlen(text) > DIGITS_MAX || !vmf_decimal(text, number) || *number == 0 ||
      *number % SECTOR != 0 || *number > most)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: \"%s\" is \"%.40s\", expected a multiple of %d from %d to %" PRIu64,
                    image->io->name, key, text, SECTOR, SECTOR, most);
  return VMF_OK;
}

static enum vmf_code check_kind(const struct vmf_image *image, const xmlNode *dict,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *type = NULL, *version = NULL;

  VMF_TRY(value_of(image, dict, "diskimage-bundle-type", "string", &type, error));
  if (!type || strcmp(type, SPARSEBUNDLE_TYPE) != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the bundle's type is \"%.80s\", expected \"" SPARSEBUNDLE_TYPE "\"",
                    image->io->name, type ? type : "");
  VMF_TRY(value_of(image, dict, "bundle-backingstore-version", "integer", &version, error));
  if (!version || strcmp(version, "1") != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the version of its bands is \"%.40s\", expected \"1\"", image->io->name,
                    version ? version : "");
  return VMF_OK;
}

static enum vmf_code read_dict(const struct vmf_image *image, const struct vmf_xml *xml,
                               struct sparsebundle_info *info, struct vmf_error *error)
{
  const xmlNode *root = xml->elements[0];
  const xmlNode *dict = vmf_xml_is(root, NULL, "plist") ? vmf_xml_child(root, NULL, "dict") : NULL;

  if (!dict)
    return vmf_fail(error, VMF_CORRUPT, "%s: no property list with a dictionary", image->io->name);
  VMF_TRY(check_kind(image, dict, error));
  VMF_TRY(number_of(image, dict, "band-size", BAND_MAX, &info->band, error));
  return number_of(image, dict, "size", image->limits->guest_size, &info->size, error);
}

enum vmf_code sparsebundle_read_info(const struct vmf_image *image, struct sparsebundle_info *info,
                                     struct vmf_error *error)
{
  struct vmf_xml *xml = NULL;
  enum vmf_code code = parse(image, &xml, error);

  if (code == VMF_OK)
    code = read_dict(image, xml, info, error);
  vmf_xml_free(xml);
  return code;
}
