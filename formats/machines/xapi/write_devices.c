/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Drives, the store that their disks are in, cards, and the networks that these are on. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "xapi_write.h"

enum { CD_PLACE = 3 };

/* ---- places ---- */

/* What Xen does not have, and disks of which there is no image. */
static bool is_left_out(const struct xapi_writer *writer, size_t index)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];

  if (disk->medium.value == VMF_MEDIUM_CDROM || writer->target->disks[index].name)
    return false;
  if (disk->medium.value == VMF_MEDIUM_FLOPPY)
    xapi_lose(writer, COSMETIC, "L-floppy", "XenServer has no floppy drives", "disks[%zu]", index);
  else
    xapi_lose(writer, DATA, "L-disk", "there is no image of it", "disks[%zu]", index);
  return true;
}

static unsigned next_place(const bool *taken, bool drive)
{
  if (drive && !taken[CD_PLACE])
    return CD_PLACE;
  for (unsigned place = 0; place < XAPI_PLACES; place++)
    if (!taken[place] && (drive || place != CD_PLACE))
      return place;
  return XAPI_LEFT_OUT;
}

static bool keeps_place(const struct vmf_machine_disk *disk, const bool *taken)
{
  return disk->bus.value == VMF_BUS_XEN && disk->unit.told && disk->unit.value < XAPI_PLACES &&
         !taken[disk->unit.value];
}

enum vmf_code xapi_seat_drives(struct xapi_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  bool taken[XAPI_PLACES] = {false};

  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    writer->seats[i] = XAPI_LEFT_OUT;
    if (!is_left_out(writer, i) && keeps_place(disk, taken))
      writer->seats[i] = (unsigned)disk->unit.value;
    else if (!is_left_out(writer, i))
      writer->seats[i] = next_place(taken, disk->medium.value == VMF_MEDIUM_CDROM);
    else
      continue;
    if (writer->seats[i] == XAPI_LEFT_OUT)
      return vmf_fail(error, VMF_UNSUPPORTED, "%s: a machine of XenServer has at most %d drives",
                      writer->target->name, XAPI_PLACES);
    taken[writer->seats[i]] = true;
  }
  return VMF_OK;
}

/* ---- drives ---- */

/* A well-formed id, which an import replaces: the kind of object, and its number. */
static void put_uuid(struct xapi_writer *writer, uint64_t ref)
{
  char uuid[48];

  snprintf(uuid, sizeof uuid, "00000000-0000-4000-8000-%012" PRIu64, ref);
  rpc_text(&writer->text, "uuid", uuid);
}

/* "xvda", ..., "xvdz", "xvdaa", ... */
static void put_device(struct xapi_writer *writer, unsigned place)
{
  char name[8] = "xvd";
  size_t length = 3;

  if (place >= 26)
    name[length++] = (char)('a' + place / 26 - 1);
  name[length] = (char)('a' + place % 26);
  rpc_text(&writer->text, "device", name);
}

static void put_state(struct xapi_writer *writer)
{
  rpc_empty_array(&writer->text, "allowed_operations");
  rpc_empty_struct(&writer->text, "current_operations");
  rpc_flag(&writer->text, "currently_attached", false);
  rpc_text(&writer->text, "metrics", "OpaqueRef:NULL");
  rpc_empty_struct(&writer->text, "other_config");
  rpc_empty_struct(&writer->text, "qos_algorithm_params");
  rpc_text(&writer->text, "qos_algorithm_type", "");
  rpc_empty_array(&writer->text, "qos_supported_algorithms");
  rpc_empty_struct(&writer->text, "runtime_properties");
  rpc_text(&writer->text, "status_code", "0");
  rpc_text(&writer->text, "status_detail", "");
}

static void put_drive(struct xapi_writer *writer, size_t index, bool first)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  bool drive = disk->medium.value == VMF_MEDIUM_CDROM;
  struct vmf_markup *text = &writer->text;

  xapi_object_begin(writer, "VBD", XAPI_DRIVE + index);
  put_uuid(writer, XAPI_DRIVE + index);
  rpc_ref(text, "VM", XAPI_MACHINE);
  if (drive)
    rpc_text(text, "VDI", "OpaqueRef:NULL");
  else
    rpc_text(text, "VDI", writer->target->disks[index].name);
  rpc_text(text, "type", drive ? "CD" : "Disk");
  rpc_text(text, "mode", drive || vmf_told_or(disk->read_only, 0) ? "RO" : "RW");
  rpc_flag(text, "bootable", first);
  rpc_flag(text, "empty", drive);
  rpc_flag(text, "unpluggable", true);
  rpc_flag(text, "storage_lock", false);
  rpc_number(text, "userdevice", writer->seats[index]);
  put_device(writer, writer->seats[index]);
  put_state(writer);
  xapi_object_end(writer);
}

static void put_disk(struct xapi_writer *writer, size_t index)
{
  static const char *const flags[] = {"allow_caching", "cbt_enabled",     "is_a_snapshot",
                                      "is_tools_iso",  "metadata_latest", "missing",
                                      "storage_lock",  "read_only"};
  static const char *const arrays[] = {"allowed_operations", "crash_dumps", "snapshots", "tags"};
  static const char *const maps[] = {"current_operations", "other_config", "sm_config",
                                     "xenstore_data"};
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  struct vmf_markup *text = &writer->text;
  char name[40];

  snprintf(name, sizeof name, "disk %zu", index);
  rpc_struct(text, NULL);
  rpc_text(text, "class", "VDI");
  rpc_text(text, "id", writer->target->disks[index].name);
  rpc_struct(text, "snapshot");
  put_uuid(writer, XAPI_DISK + index);
  rpc_text(text, "name_label", name);
  rpc_text(text, "name_description", "");
  rpc_number(text, "virtual_size", writer->target->disks[index].capacity);
  rpc_number(text, "physical_utilisation", writer->target->disks[index].capacity);
  rpc_ref(text, "SR", XAPI_STORE);
  rpc_text(text, "type", "user");
  rpc_flag(text, "sharable", vmf_told_or(disk->shared, 0) != 0);
  rpc_flag(text, "managed", true);
  rpc_text(text, "on_boot", "persist");
  rpc_text(text, "location", "");
  rpc_text(text, "metadata_of_pool", "");
  rpc_text(text, "parent", "OpaqueRef:NULL");
  rpc_text(text, "snapshot_of", "OpaqueRef:NULL");
  rpc_text(text, "snapshot_time", "19700101T00:00:00Z");
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    rpc_flag(text, flags[i], false);
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    rpc_empty_array(text, arrays[i]);
  for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
    rpc_empty_struct(text, maps[i]);
  rpc_array(text, "VBDs");
  rpc_ref(text, NULL, XAPI_DRIVE + index);
  rpc_array_end(text, "VBDs");
  xapi_object_end(writer);
}

static bool is_disk(const struct xapi_writer *writer, size_t index)
{
  return writer->seats[index] != XAPI_LEFT_OUT &&
         writer->machine->disks[index].medium.value != VMF_MEDIUM_CDROM;
}

/* Every disk names a store, which has to be there, or an import fails. */
static void put_store(struct xapi_writer *writer)
{
  struct vmf_markup *text = &writer->text;

  xapi_object_begin(writer, "SR", XAPI_STORE);
  put_uuid(writer, XAPI_STORE);
  rpc_text(text, "name_label", "Local storage");
  rpc_text(text, "name_description", "");
  rpc_text(text, "content_type", "user");
  rpc_text(text, "type", "ext");
  rpc_flag(text, "shared", false);
  rpc_array(text, "VDIs");
  for (size_t i = 0; i < writer->machine->disk_count; i++)
    if (is_disk(writer, i))
      rpc_text(text, NULL, writer->target->disks[i].name);
  rpc_array_end(text, "VDIs");
  xapi_object_end(writer);
}

void xapi_write_drives(struct xapi_writer *writer)
{
  bool first = true;

  put_store(writer);
  for (size_t i = 0; i < writer->machine->disk_count; i++) {
    if (writer->seats[i] == XAPI_LEFT_OUT)
      continue;
    if (is_disk(writer, i))
      put_disk(writer, i);
    put_drive(writer, i, first && is_disk(writer, i));
    first &= !is_disk(writer, i);
  }
}

/* ---- cards ---- */

/* The index of the first card that is on the same network. */
static size_t network_of(const struct vmf_machine *machine, size_t index)
{
  const char *name = machine->nics[index].network.text;
  size_t first = 0;

  while (first < index &&
         strcmp(machine->nics[first].network.text ? machine->nics[first].network.text : "",
                name ? name : "") != 0)
    first++;
  return first;
}

static void put_network(struct xapi_writer *writer, size_t index)
{
  const char *name = writer->machine->nics[index].network.text;
  struct vmf_markup *text = &writer->text;

  xapi_object_begin(writer, "network", XAPI_NETWORK + index);
  put_uuid(writer, XAPI_NETWORK + index);
  rpc_text(text, "name_label", name ? name : "Pool-wide network associated with eth0");
  rpc_text(text, "name_description", "");
  rpc_text(text, "bridge", "xenbr0");
  rpc_text(text, "MTU", "1500");
  rpc_empty_struct(text, "other_config");
  xapi_object_end(writer);
}

static void put_card(struct xapi_writer *writer, size_t index)
{
  static const char *const arrays[] = {"ipv4_addresses", "ipv4_allowed", "ipv6_addresses",
                                       "ipv6_allowed"};
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];
  bool known = nic->mac.text && !writer->target->copy;
  char mtu[32];
  struct vmf_markup *text = &writer->text;

  xapi_object_begin(writer, "VIF", XAPI_CARD + index);
  put_uuid(writer, XAPI_CARD + index);
  rpc_ref(text, "VM", XAPI_MACHINE);
  rpc_ref(text, "network", XAPI_NETWORK + network_of(writer->machine, index));
  rpc_number(text, "device", index);
  rpc_text(text, "MAC", known ? nic->mac.text : "");
  rpc_flag(text, "MAC_autogenerated",
           !known || vmf_told_or(nic->mac_origin, VMF_MAC_STATIC) != VMF_MAC_STATIC);
  snprintf(mtu, sizeof mtu, "nics[%zu].mtu", index);
  rpc_number(text, "MTU", xapi_within(writer, nic->mtu, 1500, UINT16_MAX, mtu));
  rpc_text(text, "locking_mode", "network_default");
  rpc_text(text, "ipv4_configuration_mode", "None");
  rpc_text(text, "ipv4_gateway", "");
  rpc_text(text, "ipv6_configuration_mode", "None");
  rpc_text(text, "ipv6_gateway", "");
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    rpc_empty_array(text, arrays[i]);
  put_state(writer);
  xapi_object_end(writer);
  if (known)
    xapi_lose(writer, BEHAVIOUR, "L-mac",
              "XenServer gives cards new addresses at an import, unless it restores the machine",
              "nics[%zu].mac", index);
}

void xapi_write_cards(struct xapi_writer *writer)
{
  for (size_t i = 0; i < writer->machine->nic_count; i++) {
    if (network_of(writer->machine, i) == i)
      put_network(writer, i);
    put_card(writer, i);
  }
}
