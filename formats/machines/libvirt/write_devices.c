/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Controllers, ports and the devices of which the neutral machine has one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "writing.h"

/* ---- controllers ---- */

static const char *model_of(const struct vmf_machine_controller *controller)
{
  const char *model = controller->model.text;
  const char *own = model && controller->bus.value == VMF_BUS_SCSI
                        ? vmf_vendor_own(libvirt_scsi_models, model)
                        : NULL;

  return own ? own : model;
}

static void write_controller(struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_controller *controller = &writing->machine->controllers[index];
  bool told = writing->keeping.native &&
              (controller->bus.value != VMF_BUS_SATA || controller->model.line > 0);
  char path[VMF_KEEPING_PATH];

  snprintf(path, sizeof path, "devices/controller[%zu]", index);
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_fix(&writing->keeping, path, "type", "%s",
                  vmf_vendor_word_of(libvirt_controllers, controller->bus.value));
  if (controller->index.line > 0 || !writing->keeping.native)
    vmf_keeping_fix(&writing->keeping, path, "index", "%" PRIu64, controller->index.value);
  if (controller->model.text && (told || controller->bus.value == VMF_BUS_SCSI))
    vmf_keeping_set(&writing->keeping, path, "model", "%s", model_of(controller));
  if (controller->ports.told && writing->keeping.native)
    vmf_keeping_fix(&writing->keeping, path, "ports", "%" PRIu64, controller->ports.value);
  if (controller->model.text && !writing->keeping.native && controller->bus.value == VMF_BUS_IDE)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "QEMU has one kind of it, with the same driver", "controllers[%zu].model",
                     index);
  vmf_keeping_end(&writing->keeping, path);
}

/* The disks of one that is not there tell where they went. */
static void write_controllers(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;

  for (size_t i = 0; i < machine->controller_count; i++) {
    enum vmf_bus bus = (enum vmf_bus)machine->controllers[i].bus.value;
    if (libvirt_has_controller(writing, &machine->controllers[i]))
      write_controller(writing, i);
    else if (bus != VMF_BUS_USB && bus != VMF_BUS_FLOPPY)
      vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                       "QEMU has no such controller; its disks are on AHCI", "controllers[%zu]", i);
  }
}

/* ---- USB ---- */

static void write_usb_controller(struct libvirt_writing *writing, const char *model,
                                 uint64_t *index)
{
  vmf_markup_start(&writing->keeping.markup, "controller");
  vmf_markup_attribute(&writing->keeping.markup, "type", "usb");
  if (index)
    vmf_markup_attribute(&writing->keeping.markup, "index", "%" PRIu64, (*index)++);
  vmf_markup_attribute(&writing->keeping.markup, "model", "%s", model);
  vmf_markup_end(&writing->keeping.markup);
}

static bool needs_usb(const struct libvirt_writing *writing)
{
  for (size_t i = 0; i < writing->machine->disk_count; i++)
    if (writing->places[i].bus == VMF_BUS_USB)
      return true;
  return writing->machine->tablet.value != 0;
}

/* By what the machine says of its ports. Other vendors' controllers have names of their own. */
static void write_usb(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  uint64_t index = 0;

  if (writing->keeping.native)
    return;
  if (machine->usb3.value)
    write_usb_controller(writing, "qemu-xhci", &index);
  if (machine->usb2.value)
    write_usb_controller(writing, "ich9-ehci1", &index);
  if (machine->usb1.value)
    write_usb_controller(writing, "piix3-uhci", &index);
  if (index == 0 && machine->usb1.told && machine->usb2.told && machine->usb3.told &&
      !needs_usb(writing))
    write_usb_controller(writing, "none", NULL);
}

/* ---- ports ---- */

/* What a port leads to is of the host: elsewhere it is a terminal. */
static void write_port(struct libvirt_writing *writing, size_t index, const char *name,
                       size_t number)
{
  const struct vmf_machine_port *port = &writing->machine->ports[index];
  uint64_t backend = vmf_told_or(port->backend, VMF_BACKEND_PTY);
  char path[VMF_KEEPING_PATH];

  if (!writing->keeping.native && backend != VMF_BACKEND_PTY && backend != VMF_BACKEND_NONE) {
    backend = VMF_BACKEND_PTY;
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "it leads to a place of the old host; here it is a terminal",
                     "ports[%zu].backend", index);
  }
  snprintf(path, sizeof path, "devices/%s[%zu]", name, number);
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_set(&writing->keeping, path, "type", "%s",
                  vmf_vendor_word_of(libvirt_backends, backend));
  vmf_keeping_end(&writing->keeping, path);
}

static void write_ports(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  size_t serial = 0, parallel = 0;

  for (size_t i = 0; i < machine->port_count; i++)
    if (machine->ports[i].parallel.value)
      write_port(writing, i, "parallel", parallel++);
    else
      write_port(writing, i, "serial", serial++);
}

/* ---- single devices ---- */

/* One of another bus than USB was kept as it was. */
static bool has_other_tablet(const struct libvirt_writing *writing)
{
  for (size_t i = 0; i < writing->keeping.kept_count; i++)
    if (strncmp(writing->keeping.kept[i].extra->key, "devices/input", 13) == 0 &&
        strstr(writing->keeping.kept[i].extra->value, "tablet"))
      return true;
  return false;
}

static void write_tablet(struct libvirt_writing *writing)
{
  static const char path[] = "devices/input[tablet]";

  if (!writing->machine->tablet.value || has_other_tablet(writing))
    return;
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_fix(&writing->keeping, path, "type", "tablet");
  vmf_keeping_fix(&writing->keeping, path, "bus", "usb");
  vmf_keeping_end(&writing->keeping, path);
}

static void write_tpm(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  bool old = machine->tpm.value == VMF_TPM_1_2;

  if (vmf_told_or(machine->tpm, VMF_TPM_NONE) == VMF_TPM_NONE)
    return;
  vmf_keeping_start(&writing->keeping, "devices/tpm");
  vmf_keeping_set(&writing->keeping, "devices/tpm", "model", "%s",
                  old || !writing->x86 ? "tpm-tis" : "tpm-crb");
  vmf_keeping_enter(&writing->keeping, "devices/tpm");
  vmf_keeping_start(&writing->keeping, "devices/tpm/backend");
  vmf_keeping_set(&writing->keeping, "devices/tpm/backend", "type", "emulator");
  vmf_keeping_fix(&writing->keeping, "devices/tpm/backend", "version", "%s", old ? "1.2" : "2.0");
  vmf_keeping_end(&writing->keeping, "devices/tpm/backend");
  vmf_keeping_leave(&writing->keeping, "devices/tpm");
  vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, "L-tpm-state",
                   "the chip is a new one: keys that the old one sealed are lost", "tpm");
}

/* NULL: QEMU has no such card, and libvirt chooses one. */
static const char *video_of(struct libvirt_writing *writing)
{
  static const char *const cards[] = {"vga", "cirrus", "vmvga", "virtio",
                                      "qxl", "none",   "bochs", "ramfb"};
  const char *video = writing->machine->video.text;

  if (!video || writing->keeping.native)
    return video;
  for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
    if (strcmp(cards[i], video) == 0)
      return video;
  vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL, "QEMU has no such card", "video");
  return "vga";
}

/* The end of <model>. */
static void write_3d(struct libvirt_writing *writing, const char *model)
{
  static const char path[] = "devices/video/model/acceleration";
  const struct vmf_told_number *on = &writing->machine->video_3d;

  if (on->value && !writing->keeping.native)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "it needs a screen with OpenGL on this host", "video-3d");
  if (!on->told || !writing->keeping.native) {
    vmf_keeping_end(&writing->keeping, model);
    return;
  }
  vmf_keeping_enter(&writing->keeping, model);
  vmf_keeping_simple(&writing->keeping, path, "accel3d", on->value ? "yes" : "no");
  vmf_keeping_leave(&writing->keeping, model);
}

static void write_video(struct libvirt_writing *writing)
{
  static const char path[] = "devices/video/model";
  const struct vmf_machine *machine = writing->machine;
  const char *video = video_of(writing);
  bool plain = video && (strcmp(video, "none") == 0 || strcmp(video, "virtio") == 0);

  if (!video)
    return;
  vmf_keeping_start(&writing->keeping, "devices/video");
  vmf_keeping_enter(&writing->keeping, "devices/video");
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_set(&writing->keeping, path, "type", "%s", video);
  if (machine->video_memory.told && machine->video_memory.value / 1024 < UINT32_MAX &&
      (writing->keeping.native || !plain))
    vmf_keeping_fix(&writing->keeping, path, "vram", "%" PRIu64,
                    vmf_div_up(machine->video_memory.value, 1024));
  if (machine->video_heads.told && machine->video_heads.value > 0 &&
      machine->video_heads.value <= LIBVIRT_HEADS)
    vmf_keeping_fix(&writing->keeping, path, "heads", "%" PRIu64, machine->video_heads.value);
  write_3d(writing, path);
  vmf_keeping_leave(&writing->keeping, "devices/video");
}

static void write_sound(struct libvirt_writing *writing)
{
  const char *sound = writing->machine->sound.text;
  const char *own = sound ? vmf_vendor_own(libvirt_sounds, sound) : NULL;

  if (own)
    vmf_keeping_simple(&writing->keeping, "devices/sound", "model", own);
}

/* A screen, where nothing is said of one: only this host sees it. */
static void write_screen(struct libvirt_writing *writing)
{
  const char *video = writing->machine->video.text;

  if (writing->keeping.native || (video && strcmp(video, "none") == 0))
    return;
  vmf_markup_start(&writing->keeping.markup, "graphics");
  vmf_markup_attribute(&writing->keeping.markup, "type", "vnc");
  vmf_markup_attribute(&writing->keeping.markup, "port", "-1");
  vmf_markup_attribute(&writing->keeping.markup, "autoport", "yes");
  vmf_markup_attribute(&writing->keeping.markup, "listen", "127.0.0.1");
  vmf_markup_end(&writing->keeping.markup);
}

void libvirt_write_devices(struct libvirt_writing *writing)
{
  vmf_keeping_start(&writing->keeping, "devices");
  vmf_keeping_enter(&writing->keeping, "devices");
  libvirt_write_disks(writing);
  write_controllers(writing);
  write_usb(writing);
  libvirt_write_nics(writing);
  write_ports(writing);
  write_tablet(writing);
  write_tpm(writing);
  write_screen(writing);
  write_video(writing);
  write_sound(writing);
  vmf_keeping_leave(&writing->keeping, "devices");
}
