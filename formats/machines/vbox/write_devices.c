/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Pointer, display, USB, ports and sound. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "guest_os.h"
#include "vbox_writer.h"

enum { VRAM_MOST = 256, VRAM_USUAL = 16 /* MiB */, HEADS = 64 };

/* ---- display ---- */

/* What drivers for guests are made for. */
static const char *usual_display(const struct vmf_machine *machine)
{
  return vmf_machine_family(machine) == VMF_OS_WINDOWS ? "VBoxSVGA" : "VMSVGA";
}

static const char *display_of(const struct vbox_writing *writing)
{
  const char *video = writing->machine->video.text;
  const char *own = video ? vmf_vendor_own(vmf_vbox_videos, video) : NULL;

  if (own)
    return own;
  if (video)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "VirtualBox has no such adapter: the usual one of its guest", "video");
  return usual_display(writing->machine);
}

static void write_display(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/Display";
  const struct vmf_machine *machine = writing->machine;
  struct vmf_keeping *keeping = &writing->keeping;
  uint64_t vram = vmf_div_up(vmf_told_or(machine->video_memory, VRAM_USUAL << 20), 1 << 20);
  bool native = writing->keeping.native;

  vmf_keeping_start(keeping, path);
  if (!native || (machine->video.text && machine->video.line > 0))
    vmf_keeping_set(keeping, path, "controller", "%s", display_of(writing));
  if (vram > VRAM_MOST)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "VirtualBox has at most 256 MiB for the display", "video-memory");
  if (!native || machine->video_memory.told)
    vmf_keeping_fix(keeping, path, "VRAMSize", "%" PRIu64, vmf_min(vram, VRAM_MOST));
  if (machine->video_heads.told && machine->video_heads.value > 0)
    vmf_keeping_fix(keeping, path, "monitorCount", "%" PRIu64,
                    vmf_min(machine->video_heads.value, HEADS));
  if (machine->video_3d.told)
    vmf_keeping_fix(keeping, path, "accelerate3D", "%s",
                    machine->video_3d.value ? "true" : "false");
  vmf_keeping_end(keeping, path);
}

/* ---- USB ---- */

static bool has_usb_drive(const struct vbox_writing *writing)
{
  for (size_t i = 0; i < writing->seat_count; i++)
    if (writing->seats[i].kind->bus == VMF_BUS_USB)
      return true;
  return false;
}

static void write_usb_controller(struct vbox_writing *writing, const char *type)
{
  vmf_markup_start(&writing->keeping.markup, "Controller");
  vmf_markup_attribute(&writing->keeping.markup, "name", "%s", type);
  vmf_markup_attribute(&writing->keeping.markup, "type", "%s", type);
  vmf_markup_end(&writing->keeping.markup);
}

/* A tablet and drives need one; the second version does not go without the first. */
static void write_usb(struct vbox_writing *writing)
{
  static const char usb[] = VBOX_HARDWARE "/USB", controllers[] = VBOX_HARDWARE "/USB/Controllers";
  const struct vmf_machine *machine = writing->machine;
  struct vmf_keeping *keeping = &writing->keeping;
  bool third = machine->usb3.value != 0, second = machine->usb2.value != 0;
  bool first = machine->usb1.value || second ||
               ((machine->tablet.value || has_usb_drive(writing)) && !third);

  if (!first && !third && !vmf_keeping_keeps(keeping, usb))
    return;
  vmf_keeping_start(keeping, usb);
  vmf_keeping_enter(keeping, usb);
  vmf_keeping_start(keeping, controllers);
  vmf_keeping_enter(keeping, controllers);
  if (first)
    write_usb_controller(writing, "OHCI");
  if (second)
    write_usb_controller(writing, "EHCI");
  if (third)
    write_usb_controller(writing, "XHCI");
  vmf_keeping_leave(keeping, controllers);
  vmf_keeping_leave(keeping, usb);
}

static void write_pointer(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/HID";

  if (!writing->machine->tablet.value && !vmf_keeping_keeps(&writing->keeping, path))
    return;
  vmf_keeping_start(&writing->keeping, path);
  if (writing->machine->tablet.value)
    vmf_keeping_fix(&writing->keeping, path, "Pointing", "USBTablet");
  vmf_keeping_end(&writing->keeping, path);
}

/* ---- ports ---- */

static const struct {
  const char *io;
  unsigned irq;
} serial_places[VBOX_SERIAL_PORTS] = {{"0x3f8", 4}, {"0x2f8", 3}, {"0x3e8", 4}, {"0x2e8", 3}},
  parallel_places[VBOX_PARALLEL_PORTS] = {{"0x378", 7}, {"0x278", 5}};

/* What has no path of the host leads nowhere. */
static const char *mode_of(const struct vbox_writing *writing, size_t index)
{
  const struct vmf_machine_port *port = &writing->machine->ports[index];
  uint64_t backend = vmf_told_or(port->backend, VMF_BACKEND_NONE);
  const char *own = vmf_vendor_word_of(vmf_vbox_backends, backend);

  if (backend == VMF_BACKEND_SOCKET) /* a pipe of VirtualBox is a socket where the host is none of
                                      * Windows */
    own = "HostPipe";
  if (own && (port->path.text || backend == VMF_BACKEND_NONE))
    return own;
  vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                   own ? "where it leads to on the host is not said: it leads nowhere"
                       : "VirtualBox has no such port: it leads nowhere",
                   "ports[%zu].backend", index);
  return "Disconnected";
}

static void write_serial(struct vbox_writing *writing, size_t index, unsigned slot)
{
  const struct vmf_machine_port *port = &writing->machine->ports[index];
  const char *mode = mode_of(writing, index);
  struct vmf_keeping *keeping = &writing->keeping;
  char path[VMF_KEEPING_PATH];

  snprintf(path, sizeof path, VBOX_HARDWARE "/UART/Port[%u]", slot);
  vmf_keeping_start(keeping, path);
  vmf_keeping_set(keeping, path, "slot", "%u", slot);
  vmf_keeping_fix(keeping, path, "enabled", "true");
  vmf_keeping_set(keeping, path, "IOBase", "%s", serial_places[slot].io);
  vmf_keeping_set(keeping, path, "IRQ", "%u", serial_places[slot].irq);
  if (strcmp(mode, "TCP") == 0 || strcmp(mode, "HostPipe") == 0)
    vmf_keeping_set(keeping, path, "server", "true");
  if (strcmp(mode, "Disconnected") != 0)
    vmf_keeping_fix(keeping, path, "path", "%s", port->path.text);
  vmf_keeping_fix(keeping, path, "hostMode", "%s", mode);
  vmf_keeping_end(keeping, path);
}

static void write_parallel(struct vbox_writing *writing, size_t index, unsigned slot)
{
  const struct vmf_machine_port *port = &writing->machine->ports[index];
  bool device = vmf_told_or(port->backend, VMF_BACKEND_NONE) == VMF_BACKEND_DEVICE;
  struct vmf_keeping *keeping = &writing->keeping;
  char path[VMF_KEEPING_PATH];

  snprintf(path, sizeof path, VBOX_HARDWARE "/LPT/Port[%u]", slot);
  vmf_keeping_start(keeping, path);
  vmf_keeping_set(keeping, path, "slot", "%u", slot);
  vmf_keeping_fix(keeping, path, "enabled", "true");
  vmf_keeping_set(keeping, path, "IOBase", "%s", parallel_places[slot].io);
  vmf_keeping_set(keeping, path, "IRQ", "%u", parallel_places[slot].irq);
  if (device && port->path.text)
    vmf_keeping_fix(keeping, path, "path", "%s", port->path.text);
  vmf_keeping_end(keeping, path);
}

static bool has_port(const struct vmf_machine *machine, bool parallel)
{
  for (size_t i = 0; i < machine->port_count; i++)
    if ((machine->ports[i].parallel.value != 0) == parallel)
      return true;
  return false;
}

static void write_ports(struct vbox_writing *writing, const char *path, bool parallel)
{
  const struct vmf_machine *machine = writing->machine;
  unsigned most = parallel ? VBOX_PARALLEL_PORTS : VBOX_SERIAL_PORTS, slot = 0;

  if (!has_port(machine, parallel) && !vmf_keeping_keeps(&writing->keeping, path))
    return;
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_enter(&writing->keeping, path);
  for (size_t i = 0; i < machine->port_count; i++) {
    if ((machine->ports[i].parallel.value != 0) != parallel)
      continue;
    if (slot == most)
      vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                       "VirtualBox has four serial and two parallel ports", "ports[%zu]", i);
    else if (parallel)
      write_parallel(writing, i, slot++);
    else
      write_serial(writing, i, slot++);
  }
  vmf_keeping_leave(&writing->keeping, path);
}

/* ---- sound ---- */

static void write_sound(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/AudioAdapter";
  const char *sound = writing->machine->sound.text;
  const char *own = sound ? vmf_vendor_own(vmf_vbox_sounds, sound) : NULL;
  struct vmf_keeping *keeping = &writing->keeping;

  if (!sound)
    return;
  if (!own)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "VirtualBox has no such sound card: the usual one", "sound");
  vmf_keeping_start(keeping, path);
  vmf_keeping_fix(keeping, path, "controller", "%s", own ? own : "AC97");
  if (!keeping->native)
    vmf_keeping_fix(keeping, path, "useDefault", "true");
  vmf_keeping_set(keeping, path, "driver", "ALSA");
  vmf_keeping_fix(keeping, path, "enabled", "true");
  if (!keeping->native)
    vmf_keeping_fix(keeping, path, "enabledOut", "true");
  vmf_keeping_end(keeping, path);
}

void vbox_write_devices(struct vbox_writing *writing)
{
  write_pointer(writing);
  write_display(writing);
  write_usb(writing);
  write_ports(writing, VBOX_HARDWARE "/UART", false);
  write_ports(writing, VBOX_HARDWARE "/LPT", true);
  write_sound(writing);
}
