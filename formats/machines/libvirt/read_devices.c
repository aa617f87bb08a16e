/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Controllers, ports and the devices of which the neutral machine has one. */
#include <stdio.h>
#include <string.h>

#include "reading.h"

/* ---- controllers ---- */

/* Which USB devices it takes. */
static void note_usb(const char *model, unsigned line, struct vmf_machine *machine)
{
  static const struct {
    const char *part;
    unsigned version;
  } parts[] = {{"uhci", 1}, {"ohci", 1}, {"ehci", 2}, {"xhci", 3}};
  struct vmf_told_number *flags[] = {NULL, &machine->usb1, &machine->usb2, &machine->usb3};

  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (strstr(model, parts[i].part))
      *flags[parts[i].version] = vmf_told(1, line);
}

/* Those of its own kind that came before: where no index is said, they are
 * counted. */
static uint64_t next_index(const struct vmf_machine *machine, uint64_t bus)
{
  uint64_t next = 0;

  for (size_t i = 0; i < machine->controller_count; i++)
    if (machine->controllers[i].bus.value == bus && machine->controllers[i].index.value >= next)
      next = machine->controllers[i].index.value + 1;
  return next;
}

static enum vmf_code read_controller(const struct vmf_taking *reading, const xmlNode *element,
                                     struct vmf_told_number bus, struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_machine_controller *controller;
  struct vmf_told_number index;

  VMF_TRY(vmf_taking_label(reading, element, error, "controller[%zu]", machine->controller_count));
  vmf_taking_take(reading, element);
  VMF_TRY(vmf_taking_number(reading, element, "index", LIBVIRT_INDEX, &index, error));
  if (!index.told)
    index = vmf_told(next_index(machine, bus.value), 0);
  VMF_TRY(vmf_machine_add_controller(machine, &controller, error));
  controller->bus = bus;
  controller->index = index;
  VMF_TRY(vmf_taking_name(reading, element, "model",
                          bus.value == VMF_BUS_SCSI ? libvirt_scsi_models : libvirt_same,
                          &controller->model, error));
  if (!controller->model.text && bus.value == VMF_BUS_SATA) /* the only one that QEMU has */
    VMF_TRY(vmf_machine_text(machine, "ahci", 0, &controller->model, error));
  if (controller->model.text && bus.value == VMF_BUS_USB)
    note_usb(controller->model.text, controller->model.line, machine);
  return vmf_taking_number(reading, element, "ports", LIBVIRT_PORTS, &controller->ports, error);
}

/* Whether a word can stand in a path. */
static bool is_plain(const char *word)
{
  return *word && strlen(word) < 20 && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz-0123456789")];
}

/* PCI bridges and channels are libvirt's own way to say how devices are wired;
 * they are known by their type and index. A USB controller "none" says that
 * there is no USB at all. */
static enum vmf_code read_any_controller(const struct vmf_taking *reading, const xmlNode *element,
                                         size_t number, struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text type, model, index;

  VMF_TRY(vmf_taking_peek(reading, element, "type", &type, error));
  VMF_TRY(vmf_taking_peek(reading, element, "model", &model, error));
  VMF_TRY(vmf_taking_peek(reading, element, "index", &index, error));
  const struct vmf_vendor_word *bus =
      type.text ? vmf_vendor_word_find(libvirt_controllers, type.text) : NULL;
  bool none = bus && bus->value == VMF_BUS_USB && model.text && strcmp(model.text, "none") == 0;
  if (bus && !none) {
    vmf_taking_mark(reading, element, "type");
    return read_controller(reading, element, vmf_told(bus->value, type.line), error);
  }
  if (none)
    machine->usb1 = machine->usb2 = machine->usb3 = vmf_told(0, model.line);
  if (!type.text || !is_plain(type.text))
    return VMF_OK;
  if (!index.text || !is_plain(index.text)) /* libvirt gives it one; it is known by its place */
    return vmf_taking_label(reading, element, error, "controller[%s #%zu]", type.text, number);
  return vmf_taking_label(reading, element, error, "controller[%s %s]", type.text, index.text);
}

static enum vmf_code read_controllers(const struct vmf_taking *reading, const xmlNode *devices,
                                      struct vmf_error *error)
{
  size_t number = 0;

  for (const xmlNode *controller = libvirt_child(devices, "controller"); controller;
       controller = libvirt_next(controller)) {
    size_t mapped = reading->machine->controller_count;
    VMF_TRY(read_any_controller(reading, controller, number, error));
    if (reading->machine->controller_count == mapped)
      number++;
  }
  return VMF_OK;
}

/* ---- ports ---- */

/* Where it leads stays an extra as a whole, but for a plain path. */
static enum vmf_code read_target(const struct vmf_taking *reading, const xmlNode *element,
                                 struct vmf_machine_port *port, struct vmf_error *error)
{
  const xmlNode *source = libvirt_child(element, "source");
  struct vmf_told_text host, service;

  VMF_TRY(vmf_taking_peek(reading, source, "path", &port->path, error));
  if (port->path.text || !port->backend.told || port->backend.value != VMF_BACKEND_TCP)
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(reading, source, "host", &host, error));
  VMF_TRY(vmf_taking_peek(reading, source, "service", &service, error));
  if (!host.text || !service.text)
    return VMF_OK;
  return vmf_machine_format_text(reading->machine, host.line, &port->path, error, "%s:%s",
                                 host.text, service.text);
}

static enum vmf_code read_port(const struct vmf_taking *reading, const xmlNode *element,
                               bool parallel, struct vmf_error *error)
{
  struct vmf_machine_port *port;

  vmf_taking_take(reading, element);
  VMF_TRY(vmf_machine_add_port(reading->machine, &port, error));
  port->parallel = vmf_told(parallel, vmf_xml_line(element));
  VMF_TRY(vmf_taking_word(reading, element, "type", libvirt_backends, &port->backend, error));
  return read_target(reading, element, port, error);
}

static enum vmf_code read_ports_of(const struct vmf_taking *reading, const xmlNode *devices,
                                   const char *name, struct vmf_error *error)
{
  size_t count = 0;

  for (const xmlNode *port = libvirt_child(devices, name); port; port = libvirt_next(port)) {
    VMF_TRY(vmf_taking_label(reading, port, error, "%s[%zu]", name, count++));
    VMF_TRY(read_port(reading, port, strcmp(name, "parallel") == 0, error));
  }
  return VMF_OK;
}

/* A console that is a serial port is another name of the first one; where there
 * is none, it is the port. */
static enum vmf_code read_console(const struct vmf_taking *reading, const xmlNode *devices,
                                  struct vmf_error *error)
{
  const xmlNode *console = libvirt_child(devices, "console");
  struct vmf_told_text type;

  if (!console || libvirt_child(devices, "serial"))
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(reading, libvirt_child(console, "target"), "type", &type, error));
  if (type.text && strcmp(type.text, "serial") != 0)
    return VMF_OK;
  VMF_TRY(vmf_taking_label(reading, console, error, "serial[0]"));
  vmf_taking_take(reading, libvirt_child(console, "target"));
  vmf_taking_mark(reading, libvirt_child(console, "target"), "type");
  vmf_taking_mark(reading, libvirt_child(console, "target"), "port");
  vmf_taking_mark(reading, console, "tty");
  return read_port(reading, console, false, error);
}

/* ---- single devices ---- */

/* The chip of the host is no part of the machine. */
static enum vmf_code read_tpm(const struct vmf_taking *reading, const xmlNode *devices,
                              struct vmf_error *error)
{
  const xmlNode *tpm = libvirt_child(devices, "tpm"), *backend = libvirt_child(tpm, "backend");
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text type, model;

  VMF_TRY(vmf_taking_peek(reading, backend, "type", &type, error));
  if (!type.text || strcmp(type.text, "passthrough") == 0)
    return VMF_OK;
  vmf_taking_take(reading, tpm);
  vmf_taking_take(reading, backend);
  VMF_TRY(vmf_taking_word(reading, backend, "version", libvirt_tpms, &machine->tpm, error));
  if (machine->tpm.told)
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(reading, tpm, "model", &model, error));
  bool old = model.text && strcmp(model.text, "tpm-tis") == 0;
  machine->tpm = vmf_told(old ? VMF_TPM_1_2 : VMF_TPM_2_0, vmf_xml_line(tpm));
  return VMF_OK;
}

static enum vmf_code read_video(const struct vmf_taking *reading, const xmlNode *devices,
                                struct vmf_error *error)
{
  const xmlNode *video = libvirt_child(devices, "video"), *model = libvirt_child(video, "model");
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_number kib;

  if (!model)
    return VMF_OK;
  vmf_taking_take(reading, video);
  vmf_taking_take(reading, model);
  VMF_TRY(vmf_taking_name(reading, model, "type", libvirt_same, &machine->video, error));
  VMF_TRY(vmf_taking_number(reading, model, "heads", LIBVIRT_HEADS, &machine->video_heads, error));
  VMF_TRY(vmf_taking_number(reading, model, "vram", UINT32_MAX, &kib, error));
  if (kib.told)
    machine->video_memory = vmf_told(kib.value * 1024, kib.line);
  const xmlNode *acceleration = libvirt_child(model, "acceleration");
  VMF_TRY(
      vmf_taking_word(reading, acceleration, "accel3d", libvirt_switch, &machine->video_3d, error));
  return VMF_OK;
}

static enum vmf_code read_sound(const struct vmf_taking *reading, const xmlNode *devices,
                                struct vmf_error *error)
{
  const xmlNode *sound = libvirt_child(devices, "sound");
  struct vmf_told_text model;

  VMF_TRY(vmf_taking_peek(reading, sound, "model", &model, error));
  if (!model.text || !vmf_vendor_neutral(libvirt_sounds, model.text))
    return VMF_OK;
  vmf_taking_take(reading, sound);
  return vmf_taking_name(reading, sound, "model", libvirt_sounds, &reading->machine->sound, error);
}

/* The first tablet; a mouse and a keyboard are in every machine. */
static enum vmf_code read_tablet(const struct vmf_taking *reading, const xmlNode *devices,
                                 struct vmf_error *error)
{
  struct vmf_told_text type, bus;

  for (const xmlNode *input = libvirt_child(devices, "input"); input; input = libvirt_next(input)) {
    VMF_TRY(vmf_taking_peek(reading, input, "type", &type, error));
    VMF_TRY(vmf_taking_peek(reading, input, "bus", &bus, error));
    if (!type.text || strcmp(type.text, "tablet") != 0)
      continue;
    reading->machine->tablet = vmf_told(1, vmf_xml_line(input));
    if (!bus.text || strcmp(bus.text, "usb") != 0)
      return VMF_OK;
    VMF_TRY(vmf_taking_label(reading, input, error, "input[tablet]"));
    vmf_taking_take(reading, input);
    vmf_taking_mark(reading, input, "type");
    vmf_taking_mark(reading, input, "bus");
    return VMF_OK;
  }
  return VMF_OK;
}

/* What is of this host alone. */
static void report_passthrough(const struct vmf_taking *reading, const xmlNode *devices)
{
  static const struct {
    const char *name, *rule, *text;
  } kinds[] = {
      {"hostdev", "loss-passthrough", "a device of the host is passed through"},
      {"filesystem", "loss-shared-folder", "a folder of the host is shared with the guest"},
  };

  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const xmlNode *device = libvirt_child(devices, kinds[i].name);
    if (device)
      vmf_report_add(reading->report, VMF_SEVERITY_LOSS, kinds[i].rule, reading->name,
                     vmf_xml_line(device), "%s; elsewhere the machine does not have it",
                     kinds[i].text);
  }
}

enum vmf_code libvirt_read_devices(const struct vmf_taking *reading, const xmlNode *devices,
                                   struct vmf_error *error)
{
  VMF_TRY(read_controllers(reading, devices, error));
  VMF_TRY(read_ports_of(reading, devices, "serial", error));
  VMF_TRY(read_console(reading, devices, error));
  VMF_TRY(read_ports_of(reading, devices, "parallel", error));
  VMF_TRY(read_tpm(reading, devices, error));
  VMF_TRY(read_video(reading, devices, error));
  VMF_TRY(read_sound(reading, devices, error));
  report_passthrough(reading, devices);
  return read_tablet(reading, devices, error);
}
