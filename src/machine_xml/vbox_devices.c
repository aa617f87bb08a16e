/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Ports, USB, sound, the display, and what is of this host alone. */
#include <string.h>

#include "vbox_hardware.h"

enum { VRAM_MOST = 4096 /* MiB */, HEADS_MOST = 64 };

/* ---- ports ---- */

static enum vmf_code read_port(const struct vmf_taking *taking, const xmlNode *element,
                               bool parallel, size_t number, struct vmf_error *error)
{
  struct vmf_machine_port *port;

  VMF_TRY(vmf_machine_add_port(taking->machine, &port, error));
  vmf_taking_take(taking, element);
  VMF_TRY(vmf_taking_label(taking, element, error, "Port[%zu]", number));
  VMF_TRY(vmf_vbox_slot(taking, element, number, error));
  port->parallel = vmf_told(parallel, vmf_xml_line(element));
  VMF_TRY(vmf_taking_attribute(taking, element, "path", &port->path, error));
  if (port->path.text && !port->path.text[0])
    port->path = (struct vmf_told_text){0};
  if (!parallel)
    return vmf_taking_word(taking, element, "hostMode", vmf_vbox_backends, &port->backend, error);
  port->backend =
      vmf_told(port->path.text ? VMF_BACKEND_DEVICE : VMF_BACKEND_NONE, vmf_xml_line(element));
  return VMF_OK;
}

/* Those that are not enabled are not in the machine. */
static enum vmf_code read_ports(const struct vmf_taking *taking, const xmlNode *hardware,
                                const char *name, bool parallel, struct vmf_error *error)
{
  const xmlNode *ports = vmf_vbox_child(hardware, name);
  size_t number = 0;

  vmf_taking_take(taking, ports);
  for (const xmlNode *port = vmf_vbox_child(ports, "Port"); port; port = vmf_vbox_next(port)) {
    bool enabled;
    VMF_TRY(vmf_vbox_flag(taking, port, "enabled", false, &enabled, error));
    if (enabled)
      VMF_TRY(read_port(taking, port, parallel, number++, error));
    else
      vmf_taking_known(taking, port);
  }
  return VMF_OK;
}

/* ---- USB ---- */

/* Of older settings: <USBController enabled="true" enabledEhci="true"/>. */
static enum vmf_code read_old_usb(const struct vmf_taking *taking, const xmlNode *hardware,
                                  struct vmf_error *error)
{
  const xmlNode *usb = vmf_vbox_child(hardware, "USBController");

  vmf_taking_take(taking, usb);
  VMF_TRY(vmf_taking_word(taking, usb, "enabled", vmf_vbox_flags, &taking->machine->usb1, error));
  return vmf_taking_word(taking, usb, "enabledEhci", vmf_vbox_flags, &taking->machine->usb2, error);
}

static enum vmf_code read_usb(const struct vmf_taking *taking, const xmlNode *hardware,
                              struct vmf_error *error)
{
  const struct {
    const char *type;
    struct vmf_told_number *told;
  } types[] = {{"OHCI", &taking->machine->usb1},
               {"EHCI", &taking->machine->usb2},
               {"XHCI", &taking->machine->usb3}};
  const xmlNode *usb = vmf_vbox_child(hardware, "USB");
  const xmlNode *controllers = vmf_vbox_child(usb, "Controllers");
  const xmlNode *filters = vmf_vbox_child(usb, "DeviceFilters");

  vmf_taking_take(taking, controllers);
  for (const xmlNode *controller = vmf_vbox_child(controllers, "Controller"); controller;
       controller = vmf_vbox_next(controller)) {
    struct vmf_told_text type;
    VMF_TRY(vmf_taking_peek(taking, controller, "type", &type, error));
    for (size_t i = 0; type.text && i < sizeof types / sizeof *types; i++)
      if (strcmp(type.text, types[i].type) == 0) {
        *types[i].told = vmf_told(1, type.line);
        vmf_taking_take(taking, controller);
        vmf_taking_mark(taking, controller, "type");
        vmf_taking_mark(taking, controller, "name");
      }
  }
  if (vmf_vbox_child(filters, "DeviceFilter"))
    vmf_report_add(taking->report, VMF_SEVERITY_LOSS, "loss-usb-filter", taking->name,
                   vmf_xml_line(filters),
                   "USB devices of the host go to the guest by a filter; elsewhere they do not");
  return VMF_OK;
}

/* A mouse is in every machine. */
static enum vmf_code read_pointer(const struct vmf_taking *taking, const xmlNode *hardware,
                                  struct vmf_error *error)
{
  const xmlNode *hid = vmf_vbox_child(hardware, "HID");
  struct vmf_told_text pointing;

  VMF_TRY(vmf_taking_peek(taking, hid, "Pointing", &pointing, error));
  vmf_taking_take(taking, hid);
  if (!pointing.text)
    return VMF_OK;
  if (strcmp(pointing.text, "USBTablet") == 0)
    taking->machine->tablet = vmf_told(1, pointing.line);
  if (taking->machine->tablet.told || strcmp(pointing.text, "PS2Mouse") == 0)
    vmf_taking_mark(taking, hid, "Pointing");
  return VMF_OK;
}

/* ---- sound and display ---- */

/* Where nothing is said it is on in older settings, and AC97. */
static enum vmf_code read_sound(const struct vmf_vbox_reading *reading, const xmlNode *hardware,
                                struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;
  const xmlNode *audio = vmf_vbox_child(hardware, "AudioAdapter");
  bool enabled;

  if (!audio)
    return VMF_OK;
  VMF_TRY(vmf_vbox_flag(taking, audio, "enabled", reading->version < VMF_VBOX_SILENT_DEVICES,
                        &enabled, error));
  if (!enabled) {
    vmf_taking_known(taking, audio);
    return VMF_OK;
  }
  vmf_taking_take(taking, audio);
  VMF_TRY(vmf_taking_name(taking, audio, "controller", vmf_vbox_sounds, &taking->machine->sound,
                          error));
  return taking->machine->sound.text
             ? VMF_OK
             : vmf_machine_text(taking->machine, "ac97", vmf_xml_line(audio),
                                &taking->machine->sound, error);
}

static enum vmf_code read_display(const struct vmf_taking *taking, const xmlNode *hardware,
                                  struct vmf_error *error)
{
  const xmlNode *display = vmf_vbox_child(hardware, "Display");
  struct vmf_machine *machine = taking->machine;
  struct vmf_told_number mebibytes;

  vmf_taking_take(taking, display);
  VMF_TRY(vmf_taking_name(taking, display, "controller", vmf_vbox_videos, &machine->video, error));
  if (display && !machine->video.text)
    VMF_TRY(vmf_machine_text(machine, "vbox", 0, &machine->video, error));
  VMF_TRY(vmf_vbox_number(taking, display, "VRAMSize", VRAM_MOST, &mebibytes, error));
  if (mebibytes.told)
    machine->video_memory = vmf_told(mebibytes.value << 20, mebibytes.line);
  VMF_TRY(
      vmf_vbox_number(taking, display, "monitorCount", HEADS_MOST, &machine->video_heads, error));
  return vmf_taking_word(taking, display, "accelerate3D", vmf_vbox_flags, &machine->video_3d,
                         error);
}

/* ---- of this host alone ---- */

static void tell_host_devices(const struct vmf_taking *taking, const xmlNode *hardware)
{
  const struct {
    const xmlNode *found;
    const char *rule, *text;
  } kinds[] = {
      {vmf_vbox_child(vmf_vbox_child(hardware, "SharedFolders"), "SharedFolder"),
       "loss-shared-folder", "a folder of the host is shared with the guest"},
      {vmf_vbox_child(vmf_vbox_child(vmf_vbox_child(hardware, "HostPci"), "Devices"), "Device"),
       "loss-passthrough", "a device of the host is passed through"},
  };

  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].found)
      vmf_report_add(taking->report, VMF_SEVERITY_LOSS, kinds[i].rule, taking->name,
                     vmf_xml_line(kinds[i].found), "%s; elsewhere the machine does not have it",
                     kinds[i].text);
}

enum vmf_code vmf_vbox_read_devices(const struct vmf_vbox_reading *reading, const xmlNode *hardware,
                                    struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;

  VMF_TRY(read_ports(taking, hardware, "UART", false, error));
  VMF_TRY(read_ports(taking, hardware, "LPT", true, error));
  VMF_TRY(read_old_usb(taking, hardware, error));
  VMF_TRY(read_usb(taking, hardware, error));
  VMF_TRY(read_pointer(taking, hardware, error));
  VMF_TRY(read_sound(reading, hardware, error));
  VMF_TRY(read_display(taking, hardware, error));
  tell_host_devices(taking, hardware);
  return VMF_OK;
}
