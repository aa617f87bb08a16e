/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A plugin of nbdkit (nbdkit-plugin(3)) that serves what vmferry reads, read-only: a disk image, a
 * disk of a package, of an XVA or a VMA. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmferry.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static struct {
  char *file; /* an absolute path; owned */
  const char *disk, *format, *snapshot;
  struct vmf_image *image; /* from get_ready on; any thread reads it */
} served;

static int report(const struct vmf_error *error)
{
  nbdkit_error("%s", error->text);
  nbdkit_set_error(error->code == VMF_NOMEM ? ENOMEM : EIO);
  return -1;
}

static void tell(void *data, const char *text)
{
  (void)data;
  nbdkit_debug("%s", text);
}

static const struct vmf_log log_to_nbdkit = {.warn = tell, .note = tell};

static int plugin_config(const char *key, const char *value)
{
  const struct {
    const char *key, **place;
  } texts[] = {{"disk", &served.disk}, {"format", &served.format}, {"snapshot", &served.snapshot}};

  if (strcmp(key, "file") == 0) {
    free(served.file);
    served.file = nbdkit_absolute_path(value);
    return served.file ? 0 : -1;
  }
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (strcmp(key, texts[i].key) == 0) {
      *texts[i].place = value;
      return 0;
    }
  nbdkit_error("\"%s\" is none of: file, disk, format, snapshot", key);
  return -1;
}

static int plugin_config_complete(void)
{
  if (served.file)
    return 0;
  nbdkit_error("file=FILE is missing: the image, or the package, whose disk is served");
  return -1;
}

static int plugin_get_ready(void)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = served.format,
                                            .snapshot = served.snapshot,
                                            .log = &log_to_nbdkit};
  struct vmf_error error = {0};
  char *name = NULL;

  if (asprintf(&name, "%s%s%s", served.file, served.disk ? "::" : "",
               served.disk ? served.disk : "") < 0) {
    nbdkit_error("no memory");
    return -1;
  }
  enum vmf_code code = vmf_disk_open(name, &options, &served.image, &error);
  free(name);
  return code == VMF_OK ? 0 : report(&error);
}

static void plugin_unload(void)
{
  vmf_image_close(served.image);
  free(served.file);
}

static void *plugin_open(int readonly)
{
  (void)readonly;
  return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t plugin_get_size(void *handle)
{
  (void)handle;
  return (int64_t)vmf_image_size(served.image);
}

/* Nobody writes: all connections see the same. */
static int plugin_can_multi_conn(void *handle)
{
  (void)handle;
  return 1;
}

static int plugin_pread(void *handle, void *buffer, uint32_t count, uint64_t offset, uint32_t flags)
{
  struct vmf_error error = {0};

  (void)handle, (void)flags;
  return vmf_image_pread(served.image, buffer, count, offset, &error) == VMF_OK ? 0
                                                                                : report(&error);
}

static int plugin_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
                          struct nbdkit_extents *extents)
{
  const uint64_t end = offset + count;
  struct vmf_error error = {0};

  (void)handle;
  while (offset < end) {
    struct vmf_extent extent = {.size = sizeof extent};
    if (vmf_image_extent(served.image, offset, end - offset, &extent, &error) != VMF_OK)
      return report(&error);
    uint32_t kind = extent.zero ? NBDKIT_EXTENT_ZERO | (extent.data ? 0 : NBDKIT_EXTENT_HOLE) : 0;
    if (nbdkit_add_extent(extents, offset, extent.length, kind) < 0)
      return -1;
    offset += extent.length;
    if (flags & NBDKIT_FLAG_REQ_ONE)
      break;
  }
  return 0;
}

static struct nbdkit_plugin plugin = {
    .name = "vmferry",
    .longname = "vmferry: virtual machines' disks",
    .version = VMF_VERSION,
    .description = "serves a disk image, or a disk of a package, an XVA or a VMA, read-only",
    .magic_config_key = "file",
    .config_help = "file=FILE         (required) the image or package\n"
                   "disk=DISK         of one that holds several: its name or number\n"
                   "format=FORMAT     of the image (default: found by its content)\n"
                   "snapshot=SNAPSHOT inside of it",
    .config = plugin_config,
    .config_complete = plugin_config_complete,
    .get_ready = plugin_get_ready,
    .unload = plugin_unload,
    .open = plugin_open,
    .get_size = plugin_get_size,
    .can_multi_conn = plugin_can_multi_conn,
    .pread = plugin_pread,
    .extents = plugin_extents,
};

NBDKIT_REGISTER_PLUGIN(plugin)
