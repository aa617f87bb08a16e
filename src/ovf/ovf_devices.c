/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The items of the hardware as devices of a machine. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "checked.h"
#include "disk_format.h"
#include "memory.h"
#include "reader.h"
#include "system_reader.h"
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { ADDRESSES = 4096 /* a greater one is none of a controller or a place on one */ };

/* ---- subtypes: "someother, lsilogic" ---- */

struct subtype {
  unsigned type;
  const char *word;
  enum vmf_bus bus;
  const char *model; /* of the machine */
};

static const struct subtype controllers[] = {
    {VMF_RESOURCE_IDE, "PIIX4", VMF_BUS_IDE, "piix4"},
    {VMF_RESOURCE_IDE, "PIIX3", VMF_BUS_IDE, "piix3"},
    {VMF_RESOURCE_IDE, "ICH6", VMF_BUS_IDE, "ich6"},
    {VMF_RESOURCE_SCSI, "lsilogic", VMF_BUS_SCSI, "lsilogic"},
    {VMF_RESOURCE_SCSI, "lsilogicsas", VMF_BUS_SCSI, "lsisas1068"},
    {VMF_RESOURCE_SCSI, "buslogic", VMF_BUS_SCSI, "buslogic"},
    {VMF_RESOURCE_SCSI, "VirtualSCSI", VMF_BUS_SCSI, "pvscsi"},
    {VMF_RESOURCE_SCSI, "VirtioSCSI", VMF_BUS_SCSI, "virtio-scsi"},
    {VMF_RESOURCE_STORAGE, "vmware.sata.ahci", VMF_BUS_SATA, "ahci"},
    {VMF_RESOURCE_STORAGE, "AHCI", VMF_BUS_SATA, "ahci"},
    {VMF_RESOURCE_STORAGE, "vmware.nvme.controller", VMF_BUS_NVME, "nvme"},
    {VMF_RESOURCE_STORAGE, "NVMe", VMF_BUS_NVME, "nvme"},
    {VMF_RESOURCE_STORAGE, "VirtioSCSI", VMF_BUS_SCSI, "virtio-scsi"},
    {VMF_RESOURCE_STORAGE, "virtio-scsi", VMF_BUS_SCSI, "virtio-scsi"},
};

/* Network cards and the rest; the bus means nothing. */
static const struct subtype others[] = {
    {VMF_RESOURCE_NIC, "E1000", 0, "e1000"},
    {VMF_RESOURCE_NIC, "E1000e", 0, "e1000e"},
    {VMF_RESOURCE_NIC, "VmxNet3", 0, "vmxnet3"},
    {VMF_RESOURCE_NIC, "Vmxnet2", 0, "vmxnet2"},
    {VMF_RESOURCE_NIC, "Vmxnet", 0, "vmxnet"},
    {VMF_RESOURCE_NIC, "PCNet32", 0, "pcnet32"},
    {VMF_RESOURCE_NIC, "virtio", 0, "virtio"},
    {VMF_RESOURCE_NIC, "1", 0, "rtl8139"}, /* oVirt's numbers */
    {VMF_RESOURCE_NIC, "2", 0, "e1000"},
    {VMF_RESOURCE_NIC, "3", 0, "virtio"},
    {VMF_RESOURCE_SOUND, "ensoniq1371", 0, "es1371"},
    {VMF_RESOURCE_SOUND, "vmware.soundcard.ensoniq1371", 0, "es1371"},
    {VMF_RESOURCE_SOUND, "ac97", 0, "ac97"},
    {VMF_RESOURCE_SOUND, "sb16", 0, "sb16"},
    {VMF_RESOURCE_SOUND, "hda", 0, "hda"},
    {VMF_RESOURCE_OTHER, "vmware.soundcard.hdaudio", 0, "hda"},
    {VMF_RESOURCE_OTHER, "vmware.soundcard.ensoniq1371", 0, "es1371"},
    {VMF_RESOURCE_OTHER, "vmware.soundcard.sb16", 0, "sb16"},
};

/* The first word of the list that the table knows for the type. */
static const struct subtype *find_subtype(const struct subtype *rows, size_t count, unsigned type,
                                          const char *list)
{
  for (const char *at = list; at && *at;) {
    size_t length = strcspn(at, " ,\t\r\n");
    for (size_t i = 0; i < count; i++)
      if (rows[i].type == type && strlen(rows[i].word) == length &&
          strncasecmp(rows[i].word, at, length) == 0)
        return &rows[i];
    at += length;
    at += strspn(at, " ,\t\r\n");
  }
  return NULL;
}

bool vmf_ovf_controller_of(const struct vmf_ovf_item *item, enum vmf_bus *bus, const char **model)
{
  const struct subtype *known =
      find_subtype(controllers, COUNT(controllers), item->type, item->subtype);

  *bus = known                             ? known->bus
         : item->type == VMF_RESOURCE_IDE  ? VMF_BUS_IDE
         : item->type == VMF_RESOURCE_SCSI ? VMF_BUS_SCSI
                                           : VMF_BUS_SATA;
  *model = known ? known->model : NULL;
  return known != NULL;
}

const char *vmf_ovf_nic_of(const struct vmf_ovf_item *item)
{
  const struct subtype *known = find_subtype(others, COUNT(others), item->type, item->subtype);

  return known ? known->model : NULL;
}

static bool is_subtype(const struct vmf_ovf_item *item, const char *start)
{
  return item->subtype && strncasecmp(item->subtype, start, strlen(start)) == 0;
}

/* ---- controllers ---- */

/* The number that the descriptor gives, where no other controller of the bus has it; else the next
 * one. VMware lists its second IDE channel first. */
static uint64_t controller_index(const struct vmf_system_reader *reader,
                                 const struct vmf_ovf_item *item, enum vmf_bus bus)
{
  const struct vmf_machine *machine = reader->machine;
  uint64_t index, next = 0;

  if (item->address && vmf_reader_number(item->address, &index) && index < ADDRESSES &&
      !vmf_machine_controller(machine, bus, index))
    return index;
  for (size_t i = 0; i < machine->controller_count; i++)
    if (machine->controllers[i].bus.value == bus)
      next = vmf_max(next, machine->controllers[i].index.value + 1);
  return next;
}

static enum vmf_code read_controller(struct vmf_system_reader *reader,
                                     const struct vmf_ovf_item *item, struct vmf_system_item *fate)
{
  struct vmf_machine_controller *controller;
  const char *model;
  enum vmf_bus bus;
  bool known = vmf_ovf_controller_of(item, &bus, &model);

  if (!known && item->type == VMF_RESOURCE_STORAGE && is_subtype(item, "vmware.nvdimm")) {
    fate->fate = VMF_ITEM_KEPT;
    return VMF_OK;
  }
  uint64_t index = controller_index(reader, item, bus);
  VMF_TRY(vmf_machine_add_controller(reader->machine, &controller, reader->error));
  controller->bus = vmf_told(bus, item->line);
  controller->index = vmf_told(index, item->line);
  fate->fate = VMF_ITEM_CONTROLLER;
  fate->place = reader->machine->controller_count - 1;
  return vmf_machine_text(reader->machine, model, item->line, &controller->model, reader->error);
}

/* ---- drives ---- */

/* Without a controller: as other products take it. */
static enum vmf_bus bus_of_orphan(const struct vmf_system_reader *reader,
                                  const struct vmf_ovf_item *item)
{
  if (item->type == VMF_RESOURCE_FLOPPY)
    return VMF_BUS_FLOPPY;
  if (reader->ovf->dialect == VMF_DIALECT_XENSERVER)
    return VMF_BUS_XEN;
  return item->type == VMF_RESOURCE_DISK ? VMF_BUS_SCSI : VMF_BUS_IDE;
}

/* oVirt has no controllers, but <Disk ovf:disk-interface="VirtIO_SCSI">. */
static enum vmf_code place_by_interface(struct vmf_system_reader *reader,
                                        const struct vmf_ovf_disk *disk,
                                        struct vmf_machine_disk *drive)
{
  static const struct {
    const char *word;
    enum vmf_bus bus;
    const char *model;
  } interfaces[] = {{"VirtIO", VMF_BUS_VIRTIO, NULL},
                    {"VirtIO_SCSI", VMF_BUS_SCSI, "virtio-scsi"},
                    {"SATA", VMF_BUS_SATA, NULL},
                    {"IDE", VMF_BUS_IDE, NULL}};
  const xmlNode *element = reader->ovf->xml->elements[disk->element];
  struct vmf_machine *machine = reader->machine;
  VMF_AUTO_FREE char *word = NULL;
  struct vmf_machine_controller *controller;

  VMF_TRY(vmf_xml_attribute(element, reader->ovf->uri, "disk-interface", &word, reader->error));
  for (size_t i = 0; word && i < COUNT(interfaces); i++) {
    if (!vmf_text_equal_nocase(word, interfaces[i].word))
      continue;
    drive->bus = vmf_told(interfaces[i].bus, disk->line);
    if (!interfaces[i].model || vmf_machine_controller(machine, interfaces[i].bus, 0))
      return VMF_OK;
    VMF_TRY(vmf_machine_add_controller(machine, &controller, reader->error));
    controller->bus = drive->bus;
    controller->index = vmf_told(0, disk->line);
    return vmf_machine_text(machine, interfaces[i].model, disk->line, &controller->model,
                            reader->error);
  }
  return VMF_OK;
}

/* The disk that a drive holds; NULL: none. */
static const struct vmf_ovf_disk *disk_of(const struct vmf_system_reader *reader,
                                          const struct vmf_ovf_item *item)
{
  bool is_file = false;
  const char *id =
      item->host_resource ? vmf_ovf_host_resource(item->host_resource, &is_file) : NULL;

  return id && !is_file ? vmf_ovf_disk(reader->ovf, id) : NULL;
}

/* Behind all others of its controller. */
static uint64_t next_unit(const struct vmf_machine *machine, const struct vmf_machine_disk *drive)
{
  uint64_t next = 0;

  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *other = &machine->disks[i];
    if (other->unit.told && other->bus.value == drive->bus.value &&
        other->controller.value == drive->controller.value)
      next = vmf_max(next, other->unit.value + 1);
  }
  return next;
}

static enum vmf_code place_drive(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                                 struct vmf_machine_disk *drive)
{
  size_t parent = item->parent ? vmf_system_item_of(reader, item->parent) : SIZE_MAX;
  uint64_t unit;

  if (parent != SIZE_MAX && reader->items[parent].fate == VMF_ITEM_CONTROLLER) {
    const struct vmf_machine_controller *controller =
        &reader->machine->controllers[reader->items[parent].place];
    drive->bus = controller->bus;
    drive->controller = controller->index;
  } else {
    const struct vmf_ovf_disk *disk = disk_of(reader, item);
    drive->bus = vmf_told(bus_of_orphan(reader, item), item->line);
    drive->controller = vmf_told(0, item->line);
    if (disk)
      VMF_TRY(place_by_interface(reader, disk, drive));
  }
  if (!item->address_on_parent || !vmf_reader_number(item->address_on_parent, &unit) ||
      unit >= ADDRESSES)
    unit = next_unit(reader->machine, drive);
  drive->unit = vmf_told(unit, item->line);
  return VMF_OK;
}

/* The file that a drive shows, its name decoded; NULL: none. */
static enum vmf_code set_image(struct vmf_system_reader *reader, const struct vmf_ovf_file *file,
                               unsigned line, struct vmf_machine_disk *drive)
{
  VMF_AUTO_FREE char *name = NULL;

  if (!file || !file->href)
    return VMF_OK;
  VMF_TRY(vmf_copy_text(file->href, &name, reader->error));
  vmf_ovf_decode_href(name);
  drive->in_container = true;
  return vmf_machine_text(reader->machine, name, line, &drive->image, reader->error);
}

static enum vmf_code set_medium(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                                struct vmf_machine_disk *drive)
{
  bool is_file = false;
  const char *id =
      item->host_resource ? vmf_ovf_host_resource(item->host_resource, &is_file) : NULL;
  const struct vmf_ovf_disk *disk = disk_of(reader, item);

  if (is_file)
    return set_image(reader, vmf_ovf_file(reader->ovf, id), item->line, drive);
  if (!disk)
    return VMF_OK;
  const struct vmf_disk_format *form = disk->format ? vmf_disk_format_of_uri(disk->format) : NULL;
  if (disk->capacity_known)
    drive->capacity = vmf_told(disk->capacity, disk->line);
  VMF_TRY(vmf_machine_text(reader->machine, form ? form->format : NULL, disk->line,
                           &drive->image_format, reader->error));
  return set_image(reader, vmf_ovf_file(reader->ovf, disk->file_ref), disk->line, drive);
}

static void set_connected(const struct vmf_ovf_item *item, struct vmf_told_number *connected)
{
  bool flag;

  if (item->automatic && vmf_system_flag(item->automatic, &flag))
    *connected = vmf_told(flag, item->line);
}

static enum vmf_code read_drive(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                                struct vmf_system_item *fate)
{
  enum vmf_medium medium = item->type == VMF_RESOURCE_DISK     ? VMF_MEDIUM_DISK
                           : item->type == VMF_RESOURCE_FLOPPY ? VMF_MEDIUM_FLOPPY
                                                               : VMF_MEDIUM_CDROM;
  struct vmf_machine_disk *drive;

  VMF_TRY(vmf_machine_add_disk(reader->machine, &drive, reader->error));
  drive->medium = vmf_told(medium, item->line);
  VMF_TRY(place_drive(reader, item, drive));
  set_connected(item, &drive->connected);
  fate->fate = VMF_ITEM_DISK;
  fate->place = reader->machine->disk_count - 1;
  return set_medium(reader, item, drive);
}

/* ---- network cards ---- */

/* What VirtualBox and VMware's hosted products call a network that is only a way of attaching. The
 * words are VMware's, and VirtualBox's in another case ("HostOnly"), which packages that were made
 * of its own still have; but a network of vSphere may well be called "Internal". */
static const struct attachment {
  const char *name;
  enum vmf_attach attach;
  bool of_virtualbox; /* in another case only where the package is VirtualBox's */
} attachments[] = {
    {"bridged", VMF_ATTACH_BRIDGE, false},
    {"nat", VMF_ATTACH_NAT, false},
    {"hostonly", VMF_ATTACH_HOSTONLY, true},
    {"internal", VMF_ATTACH_INTERNAL, true},
};

static bool is_attachment(const struct vmf_system_reader *reader, const struct attachment *row,
                          const char *name)
{
  if (row->of_virtualbox && reader->ovf->dialect != VMF_DIALECT_VIRTUALBOX)
    return strcmp(name, row->name) == 0;
  return vmf_text_equal_nocase(name, row->name);
}

static enum vmf_code set_network(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                                 struct vmf_machine_nic *nic)
{
  if (!item->connection || !*item->connection)
    return VMF_OK;
  for (size_t i = 0; i < COUNT(attachments); i++)
    if (is_attachment(reader, &attachments[i], item->connection)) {
      nic->attach = vmf_told(attachments[i].attach, item->line);
      return VMF_OK;
    }
  nic->attach = vmf_told(VMF_ATTACH_BRIDGE, item->line);
  return vmf_machine_text(reader->machine, item->connection, item->line, &nic->network,
                          reader->error);
}

static enum vmf_code read_nic(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                              struct vmf_system_item *fate)
{
  const struct subtype *known = find_subtype(others, COUNT(others), item->type, item->subtype);
  struct vmf_machine *machine = reader->machine;
  struct vmf_error refused = {0};
  struct vmf_machine_nic *nic;

  VMF_TRY(vmf_machine_add_nic(machine, &nic, reader->error));
  fate->fate = VMF_ITEM_NIC;
  fate->place = machine->nic_count - 1;
  set_connected(item, &nic->connected);
  VMF_TRY(vmf_machine_text(machine, known ? known->model : NULL, item->line, &nic->model,
                           reader->error));
  VMF_TRY(set_network(reader, item, nic));
  if (!item->address || !*item->address ||
      vmf_machine_set_mac(machine, reader->ovf->name, item->address, item->line, nic, &refused) ==
          VMF_OK)
    return VMF_OK;
  if (refused.code != VMF_CORRUPT)
    return vmf_fail(reader->error, refused.code, "%s", refused.text);
  vmf_report_add(reader->report, VMF_SEVERITY_WARNING, "item-address", reader->ovf->name,
                 item->line,
                 "network card \"%s\": \"%.40s\" is no address of one card; it is left out",
                 item->name ? item->name : "", item->address);
  return vmf_machine_add_extra(machine, "ovf", "Item/Address", item->address, item->line, true,
                               reader->error);
}

/* ---- the rest ---- */

static enum vmf_code read_port(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                               struct vmf_system_item *fate)
{
  static const struct {
    const char *end;
    enum vmf_backend backend;
  } backends[] = {
      {"port.device", VMF_BACKEND_DEVICE}, {"port.file", VMF_BACKEND_FILE},
      {"port.pipe", VMF_BACKEND_PIPE},     {"port.remotepipe", VMF_BACKEND_PIPE},
      {"port.uri", VMF_BACKEND_TCP},       {"port.remoteuri", VMF_BACKEND_TCP},
  };
  struct vmf_machine_port *port;

  VMF_TRY(vmf_machine_add_port(reader->machine, &port, reader->error));
  fate->fate = VMF_ITEM_PORT;
  fate->place = reader->machine->port_count - 1;
  port->parallel = vmf_told(item->type == VMF_RESOURCE_PARALLEL, item->line);
  for (size_t i = 0; i < COUNT(backends); i++)
    if (item->subtype && vmf_text_ends_in(item->subtype, backends[i].end))
      port->backend = vmf_told(backends[i].backend, item->line);
  return VMF_OK;
}

static void read_usb(struct vmf_machine *machine, const struct vmf_ovf_item *item)
{
  struct vmf_told_number yes = vmf_told(true, item->line);

  if (is_subtype(item, "vmware.usb.xhci") || is_subtype(item, "xhci")) {
    machine->usb3 = yes;
    return;
  }
  machine->usb1 = yes; /* the companion of an EHCI controller */
  if (is_subtype(item, "vmware.usb.ehci") || is_subtype(item, "ehci"))
    machine->usb2 = yes;
}

static void tell_odd(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                     const char *what, uint64_t number)
{
  vmf_report_add(reader->report, VMF_SEVERITY_WARNING, "item-quantity", reader->ovf->name,
                 item->line, "%" PRIu64 " %s; it is left out", number, what);
}

static void read_processors(struct vmf_system_reader *reader, const struct vmf_ovf_item *item)
{
  struct vmf_machine *machine = reader->machine;
  uint64_t cores = item->cores_per_socket;

  if (!item->quantity_known)
    return;
  if (item->quantity == 0 || item->quantity > VMF_MACHINE_CPUS) {
    tell_odd(reader, item, "processors, where a machine has 1 to 4096", item->quantity);
    return;
  }
  machine->vcpus = vmf_told(item->quantity, item->line);
  machine->cores = machine->sockets = (struct vmf_told_number){0};
  if (cores > 0 && item->quantity % cores == 0) {
    machine->cores = vmf_told(cores, item->line);
    machine->sockets = vmf_told(item->quantity / cores, item->line);
  } else if (cores > 0) {
    tell_odd(reader, item, "cores a socket, of which the processors are no multiple", cores);
  }
}

static void read_memory(struct vmf_system_reader *reader, const struct vmf_ovf_item *item)
{
  uint64_t bytes = vmf_ovf_memory_bytes(item);

  if (!item->quantity_known)
    return;
  if (bytes == 0 || bytes > INT64_MAX)
    tell_odd(reader, item, "of memory, which is no amount of it", item->quantity);
  else
    reader->machine->memory = vmf_told(bytes, item->line);
}

/* What there is once in a machine, or what VMware adds to every one. */
static enum vmf_code read_other(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                                struct vmf_system_item *fate)
{
  static const char *const kept[] = {"vmware.vmci", "vmware.pci.passthrough", "vmware.nvdimm",
                                     "vmware.precisionclock", "vmware.watchdogtimer"};
  const struct subtype *known = find_subtype(others, COUNT(others), item->type, item->subtype);
  struct vmf_machine *machine = reader->machine;

  fate->fate = VMF_ITEM_PART;
  if (known)
    return vmf_machine_text(machine, known->model, item->line, &machine->sound, reader->error);
  if (is_subtype(item, "vmware.vtpm")) {
    machine->tpm = vmf_told(VMF_TPM_2_0, item->line);
    return VMF_OK;
  }
  fate->fate = VMF_ITEM_UNKNOWN;
  for (size_t i = 0; i < COUNT(kept); i++)
    if (is_subtype(item, kept[i]))
      fate->fate = VMF_ITEM_KEPT;
  return VMF_OK;
}

static enum vmf_code read_item(struct vmf_system_reader *reader, const struct vmf_ovf_item *item,
                               struct vmf_system_item *fate)
{
  switch (item->type) {
  case VMF_RESOURCE_CPU:
    read_processors(reader, item);
    break;
  case VMF_RESOURCE_MEMORY:
    read_memory(reader, item);
    break;
  case VMF_RESOURCE_FLOPPY:
  case VMF_RESOURCE_CD:
  case VMF_RESOURCE_DVD:
  case VMF_RESOURCE_DISK:
    return read_drive(reader, item, fate);
  case VMF_RESOURCE_NIC:
    return read_nic(reader, item, fate);
  case VMF_RESOURCE_SERIAL:
  case VMF_RESOURCE_PARALLEL:
    return read_port(reader, item, fate);
  case VMF_RESOURCE_USB:
    read_usb(reader->machine, item);
    break;
  case VMF_RESOURCE_GRAPHICS:
    break;
  case VMF_RESOURCE_SOUND:
  case VMF_RESOURCE_OTHER:
    return read_other(reader, item, fate);
  default:
    return VMF_OK;
  }
  fate->fate = VMF_ITEM_PART;
  return VMF_OK;
}

static bool is_controller(const struct vmf_ovf_item *item)
{
  return item->type == VMF_RESOURCE_IDE || item->type == VMF_RESOURCE_SCSI ||
         item->type == VMF_RESOURCE_STORAGE;
}

size_t vmf_system_item_of(const struct vmf_system_reader *reader, const char *instance)
{
  const struct vmf_name *name = vmf_names_find(&reader->ids, instance);

  return name ? name->number : SIZE_MAX;
}

/* An item of the deployment option takes the place of the one for all that has its InstanceID. */
static enum vmf_code find_replaced(struct vmf_system_reader *reader)
{
  const struct vmf_ovf_system *system = reader->system;
  struct vmf_names special = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < system->item_count && code == VMF_OK; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    bool usual = vmf_ovf_is_usual(reader->ovf, item);

    reader->items[i].fate = usual ? VMF_ITEM_UNKNOWN : VMF_ITEM_KEPT;
    code = vmf_names_add(&special, usual && item->configurations ? item->instance : NULL, 0,
                         reader->error);
  }
  vmf_names_sort(&special);
  for (size_t i = 0; i < system->item_count && special.count > 0; i++)
    if (!system->items[i].configurations && system->items[i].instance &&
        vmf_names_find(&special, system->items[i].instance))
      reader->items[i].fate = VMF_ITEM_KEPT;
  vmf_names_clear(&special);
  return code;
}

enum vmf_code vmf_system_devices(struct vmf_system_reader *reader)
{
  const struct vmf_ovf_system *system = reader->system;

  VMF_TRY(vmf_alloc((system->item_count + 1) * sizeof *reader->items, (void **)&reader->items,
                    reader->error));
  VMF_TRY(find_replaced(reader));
  for (size_t i = 0; i < system->item_count; i++)
    VMF_TRY(vmf_names_add(
        &reader->ids, reader->items[i].fate == VMF_ITEM_UNKNOWN ? system->items[i].instance : NULL,
        system->items[i].line, reader->error));
  vmf_names_sort(&reader->ids);
  for (size_t pass = 0; pass < 2; pass++) /* controllers first: they may stand behind */
    for (size_t i = 0; i < system->item_count; i++) {
      const struct vmf_ovf_item *item = &system->items[i];
      if (reader->items[i].fate != VMF_ITEM_UNKNOWN || is_controller(item) != (pass == 0))
        continue;
      VMF_TRY(pass == 0 ? read_controller(reader, item, &reader->items[i])
                        : read_item(reader, item, &reader->items[i]));
    }
  return VMF_OK;
}
