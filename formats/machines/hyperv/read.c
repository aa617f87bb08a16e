/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A configuration of Hyper-V into the neutral machine: its keys, its devices, and what is left. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "hyperv_script.h"
#include "list.h"
#include "memory.h"
#include "text.h"
#include "vmcx.h"

/* ---- what the parts share ---- */

struct hyperv_key *hyperv_take(struct hyperv_reader *reader, const char *path, ...)
{
  char text[300];
  va_list values;

  va_start(values, path);
  int length = vsnprintf(text, sizeof text, path, values);
  va_end(values);
  struct hyperv_key *key = length < (int)sizeof text ? hyperv_find(&reader->tree, text) : NULL;
  if (!key || !key->value)
    return NULL;
  key->taken = true;
  return key;
}

void hyperv_number(struct hyperv_reader *reader, struct hyperv_key *key, uint64_t most,
                   struct vmf_told_number *told)
{
  uint64_t number = 0;
  const char *digit = key ? key->value : NULL;

  if (!key)
    return;
  for (; *digit >= '0' && *digit <= '9'; digit++)
    if (!vmf_mul(number, 10, &number) || !vmf_add(number, (uint64_t)(*digit - '0'), &number))
      break;
  key->taken = digit > key->value && *digit == '\0' && number <= most;
  if (key->taken)
    *told = vmf_told(number, key->line);
  else
    hyperv_odd(reader, key, "hyperv-value", "%s is \"%.40s\", no number up to %llu", key->path,
               key->value, (unsigned long long)most);
}

void hyperv_flag(struct hyperv_reader *reader, struct hyperv_key *key, struct vmf_told_number *told)
{
  if (!key)
    return;
  bool on = vmf_text_equal_nocase(key->value, "true");
  key->taken = on || vmf_text_equal_nocase(key->value, "false");
  if (key->taken)
    *told = vmf_told(on, key->line);
  else
    hyperv_odd(reader, key, "hyperv-value", "%s is \"%.40s\", neither True nor False", key->path,
               key->value);
}

enum vmf_code hyperv_text(struct hyperv_reader *reader, const struct hyperv_key *key,
                          struct vmf_told_text *told, struct vmf_error *error)
{
  if (!key || !*key->value)
    return VMF_OK;
  return vmf_machine_text(reader->machine, key->value, key->line, told, error);
}

/* ---- devices ---- */

const struct hyperv_device *hyperv_device_of(const struct hyperv_reader *reader, const char *class)
{
  for (size_t i = 0; i < reader->device_count; i++)
    if (vmf_text_equal_nocase(reader->devices[i].class, class))
      return &reader->devices[i];
  return NULL;
}

/* Its node in the tree, if there is one, is marked. */
static enum vmf_code add_device(struct hyperv_reader *reader, const char *instance,
                                const char *class, const char *name, struct vmf_error *error)
{
  struct hyperv_device device = {.name = name};

  if (reader->device_count == VMF_MACHINE_DEVICES)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %d devices", reader->source->name,
                    VMF_MACHINE_DEVICES);
  VMF_TRY(
      VMF_LIST_ROOM(reader->devices, reader->device_count, reader->device_room, "devices", error));
  snprintf(device.class, sizeof device.class, "%s", class);
  VMF_TRY(vmf_format(&device.node, error, "_%s_", instance));
  for (char *c = device.node; *c; c++)
    if (*c >= 'A' && *c <= 'Z')
      *c |= 0x20;
  reader->devices[reader->device_count++] = device;
  struct hyperv_key *key = hyperv_find(&reader->tree, device.node);
  if (key)
    key->taken = true;
  return VMF_OK;
}

/* "_GUID_", right below the root; of a device that the manifest does not have, its class is taken
 * to be its own. */
static enum vmf_code add_unlisted(struct hyperv_reader *reader, struct vmf_error *error)
{
  for (size_t i = hyperv_first(&reader->tree, "_"); i < reader->tree.count; i++) {
    const struct hyperv_key *key = reader->tree.sorted[i];
    size_t length = strlen(key->path);
    VMF_AUTO_FREE char *guid = NULL;
    if (key->path[0] != '_')
      break;
    if (key->taken || length < 3 || key->path[length - 1] != '_' || strchr(key->path, '/'))
      continue;
    VMF_TRY(vmf_copy_bytes(key->path + 1, length - 2, &guid, error));
    VMF_TRY(add_device(reader, guid, guid, NULL, error));
  }
  return VMF_OK;
}

enum vmf_code hyperv_read_devices(struct hyperv_reader *reader, struct vmf_error *error)
{
  static const char start[] = "manifest/vdev";

  for (size_t i = hyperv_first(&reader->tree, start); i < reader->tree.count; i++) {
    const char *path = reader->tree.sorted[i]->path;
    if (strncmp(path, start, sizeof start - 1) != 0)
      break;
    if (strchr(path + sizeof start - 1, '/'))
      continue;
    const struct hyperv_key *class = hyperv_take(reader, "%s/device", path);
    const struct hyperv_key *instance = hyperv_take(reader, "%s/instance", path);
    const struct hyperv_key *name = hyperv_take(reader, "%s/name", path);
    if (class && instance)
      VMF_TRY(add_device(reader, instance->value, class->value, name ? name->value : NULL, error));
  }
  return add_unlisted(reader, error);
}

/* ---- what is left ---- */

static bool has_children(const struct hyperv_tree *tree, const char *path)
{
  char below[512];
  int length = snprintf(below, sizeof below, "%s/", path);

  if (length < 0 || (size_t)length >= sizeof below)
    return true;
  size_t at = hyperv_first(tree, below);
  return at < tree->count && strncmp(tree->sorted[at]->path, below, (size_t)length) == 0;
}

static enum vmf_code keep_rest(struct hyperv_reader *reader, struct vmf_error *error)
{
  for (size_t i = 0; i < reader->tree.count; i++) {
    const struct hyperv_key *key = reader->tree.sorted[i];
    bool usual, known = hyperv_known(key, &usual);
    if (key->taken || (known && usual) || !*key->path)
      continue;
    if (!key->value && (known || has_children(&reader->tree, key->path)))
      continue;
    VMF_TRY(vmf_machine_add_extra(reader->machine, HYPERV_NAME, key->path,
                                  key->value ? key->value : "", key->line, known, error));
  }
  return VMF_OK;
}

/* ---- the whole ---- */

static bool is_container(const struct vmf_machine_source *source)
{
  const uint8_t *bytes = source->bytes;

  for (size_t at = 0; at <= VMCX_HEADER_STEP; at += VMCX_HEADER_STEP)
    if (source->length >= at + 4 && get_le32(bytes + at) == VMCX_SIGNATURE)
      return true;
  return false;
}

static enum vmf_code read_container(struct hyperv_reader *reader, struct vmf_error *error)
{
  struct vmcx_file file = {.name = reader->source->name, .report = reader->report};
  enum vmf_code code = vmcx_open(reader->source->bytes, reader->source->length, &file, error);

  if (code == VMF_OK)
    code = vmcx_keys(&file, &reader->tree, error);
  vmcx_clear(&file);
  return code;
}

static enum vmf_code check_root(const struct hyperv_reader *reader, struct vmf_error *error)
{
  const char *root = NULL;
  size_t roots = 0;

  for (size_t i = 0; i < reader->tree.count; i++)
    if (reader->tree.keys[i].parent == HYPERV_ROOT) {
      root = reader->tree.keys[i].name;
      roots++;
    }
  if (roots != 1 || strcmp(root, "configuration") != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: has %zu roots%s%.40s; accepted is one, \"configuration\"",
                    reader->source->name, roots, root ? ", the last is " : "", root ? root : "");
  return VMF_OK;
}

/* A .vmrs is such a container, too, of a machine that runs. */
static enum vmf_code check_kind(const struct hyperv_reader *reader, struct vmf_error *error)
{
  static const char *const parts[] = {"settings", "manifest", "properties/name", "vm-controllers"};

  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (hyperv_find(&reader->tree, parts[i]))
      return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: holds the state of a Hyper-V machine (VMRS), or none at all; its "
                  "configuration is in the .vmcx beside it",
                  reader->source->name);
}

static enum vmf_code read_all(struct hyperv_reader *reader, struct vmf_error *error)
{
  if (reader->source->snapshot)
    return vmf_fail(error, VMF_USAGE,
                    "%s: a checkpoint of Hyper-V has a configuration of its own: name the .vmcx "
                    "in its folder Snapshots",
                    reader->source->name);
  VMF_TRY(is_container(reader->source)
              ? read_container(reader, error)
              : hyperv_xml_keys(reader->source, reader->report, &reader->tree, error));
  VMF_TRY(check_root(reader, error));
  VMF_TRY(hyperv_tree_finish(&reader->tree, error));
  VMF_TRY(check_kind(reader, error));
  VMF_TRY(hyperv_read_devices(reader, error));
  VMF_TRY(hyperv_read_system(reader, error));
  VMF_TRY(hyperv_read_drives(reader, error));
  VMF_TRY(hyperv_read_cards(reader, error));
  return keep_rest(reader, error);
}

enum vmf_code hyperv_read(const struct vmf_machine_source *source, struct vmf_machine *machine,
                          struct vmf_report *report, struct vmf_error *error)
{
  if (hyperv_is_script(source->bytes, source->length))
    return source->snapshot
               ? vmf_fail(error, VMF_USAGE, "%s: a script has no snapshots", source->name)
               : hyperv_read_script(source, machine, error);
  struct hyperv_reader reader = {
      .source = source, .tree = {.file = source->name}, .machine = machine, .report = report};
  enum vmf_code code = read_all(&reader, error);

  for (size_t i = 0; i < reader.device_count; i++)
    vmf_free(reader.devices[i].node);
  vmf_free(reader.devices);
  hyperv_tree_clear(&reader.tree);
  return code;
}
