/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files that hold several disks: which one is meant, and what `info` tells of all. */
#include "opening.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- which one ---- */

/* "1 Ref:11 "system" (1024 bytes), 2 Ref:12 (512 bytes, memory)" */
static void list_disks(const struct vmf_contents *contents, char *text, size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (unsigned i = 0; i < contents->disk_count && used < size; i++) {
    const struct vmf_container_disk *disk = &contents->disks[i];
    const char *quote = disk->id && disk->name ? "\"" : "";
    int length =
        snprintf(text + used, size - used, "%s%u %.40s%s%s%.60s%s%s(%" PRIu64 " bytes%s%.20s)",
                 i > 0 ? ", " : "", i + 1, disk->id ? disk->id : "", disk->id ? " " : "", quote,
                 disk->name ? disk->name : "", quote, disk->name ? " " : "", disk->size,
                 disk->kind ? ", " : "", disk->kind ? disk->kind : "");
    used += length > 0 ? (size_t)length : size;
  }
  if (used == 0)
    snprintf(text, size, "none");
  else if (used >= size)
    memcpy(text + size - sizeof("..."), "...", sizeof("..."));
}

static bool same(const char *text, const char *wanted)
{
  return text && strcmp(text, wanted) == 0;
}

/* How many have the name; *chosen is the last of them. */
static unsigned count_named(const struct vmf_contents *contents, const char *wanted,
                            unsigned *chosen)
{
  unsigned count = 0;

  for (unsigned i = 0; i < contents->disk_count; i++)
    if (same(contents->disks[i].name, wanted)) {
      *chosen = i;
      count++;
    }
  return count;
}

static bool find_id(const struct vmf_contents *contents, const char *wanted, unsigned *chosen)
{
  for (unsigned i = 0; i < contents->disk_count; i++)
    if (same(contents->disks[i].id, wanted)) {
      *chosen = i;
      return true;
    }
  return false;
}

static bool find_number(const struct vmf_contents *contents, const char *wanted, unsigned *chosen)
{
  char number[12];

  for (unsigned i = 0; i < contents->disk_count; i++) {
    snprintf(number, sizeof number, "%u", i + 1);
    if (strcmp(wanted, number) == 0) {
      *chosen = i;
      return true;
    }
  }
  return false;
}

static unsigned count_disks(const struct vmf_contents *contents, unsigned *last)
{
  unsigned count = 0;

  for (unsigned i = 0; i < contents->disk_count; i++)
    if (!contents->disks[i].kind) {
      *last = i;
      count++;
    }
  return count;
}

enum vmf_code vmf_contents_choose(const struct vmf_contents *contents, const char *file,
                                  const char *wanted, unsigned *chosen, struct vmf_error *error)
{
  const char *named = strcmp(file, "standard input") == 0 ? "-" : file;
  char there[700];

  list_disks(contents, there, sizeof there);
  if (!wanted) {
    unsigned count = count_disks(contents, chosen);
    if (count == 1)
      return VMF_OK;
    return vmf_fail(error, VMF_USAGE,
                    "%s: has %u disks; name one as %s::DISK, by its name or number: %s", file,
                    count, named, there);
  }
  if (find_id(contents, wanted, chosen))
    return VMF_OK;
  unsigned count = count_named(contents, wanted, chosen);
  if (count > 1)
    return vmf_fail(error, VMF_USAGE,
                    "%s: has %u disks \"%.60s\"; name one by its number, as in %s::1: %s", file,
                    count, wanted, named, there);
  if (count == 1 || find_number(contents, wanted, chosen))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s: has no disk \"%.60s\"; there are: %s", file, wanted,
                  there);
}

enum vmf_code vmf_contents_pick(struct vmf_node *node, const struct vmf_image_options *options,
                                struct vmf_error *error)
{
  const struct vmf_contents *contents = node->image.contents;
  bool list = options->list_disks && !options->disk;
  enum vmf_code code = vmf_contents_choose(contents, node->image.io->name, options->disk,
                                           &node->disk, list ? NULL : error);

  node->listed = list && code != VMF_OK;
  return list ? VMF_OK : code;
}

/* Of the only one it is known already. */
enum vmf_code vmf_image_index(struct vmf_image *image, struct vmf_error *error)
{
  const struct vmf_reader *reader = image->format->reader;

  return vmf_node(image)->listed && reader->index ? reader->index(image, error) : VMF_OK;
}

/* ---- what is shown ---- */

static enum vmf_code show_disk(const struct vmf_container_disk *disk, struct vmf_value *object,
                               struct vmf_error *error)
{
  if (disk->id)
    VMF_TRY(vmf_value_text(object, "id", disk->id, error));
  if (disk->name)
    VMF_TRY(vmf_value_text(object, "name", disk->name, error));
  if (disk->kind)
    VMF_TRY(vmf_value_text(object, "kind", disk->kind, error));
  return vmf_value_uint(object, "virtual-size", disk->size, error);
}

enum vmf_code vmf_contents_show(const struct vmf_contents *contents, struct vmf_value *root,
                                struct vmf_error *error)
{
  struct vmf_value *list, *object;

  VMF_TRY(vmf_value_add(root, VMF_VALUE_LIST, "disks", &list, error));
  for (unsigned i = 0; i < contents->disk_count; i++) {
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &object, error));
    VMF_TRY(show_disk(&contents->disks[i], object, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_contents_show_one(const struct vmf_container_disk *disk, struct vmf_value *root,
                                    struct vmf_error *error)
{
  if (disk->id)
    VMF_TRY(vmf_value_text(root, "disk-id", disk->id, error));
  return disk->name ? vmf_value_text(root, "disk-name", disk->name, error) : VMF_OK;
}
