/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The devices that a machine can do without: who does not know one leaves it out
 * (ovf:required="false"). */
#include <inttypes.h>
#include <string.h>

#include "machine_plan.h"
#include "markup.h"

struct device {
  const char *name, *subtype; /* subtype: NULL: none */
  enum vmf_resource type;
};

static void start(struct vmf_markup *markup, const struct device *device, uint64_t *id)
{
  static const struct vmf_compose_item item = {"Item", "rasd"};

  vmf_markup_start(markup, item.element);
  vmf_markup_attribute(markup, "ovf:required", "false");
  vmf_markup_enter(markup);
  vmf_compose_leaf(markup, &item, "AutomaticAllocation", "false");
  vmf_compose_leaf(markup, &item, "Description", "%s", device->name);
  vmf_compose_leaf(markup, &item, "ElementName", "%s", device->name);
  vmf_compose_leaf(markup, &item, "InstanceID", "%" PRIu64, (*id)++);
  if (device->subtype)
    vmf_compose_leaf(markup, &item, "ResourceSubType", "%s", device->subtype);
  vmf_compose_leaf(markup, &item, "ResourceType", "%u", (unsigned)device->type);
}

static void compose(struct vmf_markup *markup, const struct device *device, uint64_t *id)
{
  start(markup, device, id);
  vmf_markup_leave(markup, "Item");
}

static void compose_usb(struct vmf_markup *markup, const struct vmf_machine *machine, uint64_t *id)
{
  static const struct device ehci = {"USB controller", "vmware.usb.ehci", VMF_RESOURCE_USB};
  static const struct device xhci = {"USB 3 controller", "vmware.usb.xhci", VMF_RESOURCE_USB};
  bool old = vmf_told_or(machine->usb1, false), high = vmf_told_or(machine->usb2, false);

  if (old || high) {
    start(markup, &ehci, id);
    if (!high)
      vmf_compose_config(markup, "ehciEnabled", "false");
    vmf_markup_leave(markup, "Item");
  }
  if (vmf_told_or(machine->usb3, false))
    compose(markup, &xhci, id);
}

static void compose_sound(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                          uint64_t *id)
{
  static const struct {
    const char *model;
    struct device device;
  } cards[] = {
      {"es1371", {"Sound card", "ensoniq1371", VMF_RESOURCE_SOUND}},
      {"hda", {"Sound card", "vmware.soundcard.hdaudio", VMF_RESOURCE_OTHER}},
      {"sb16", {"Sound card", "sb16", VMF_RESOURCE_SOUND}},
      {"ac97", {"Sound card", "ac97", VMF_RESOURCE_SOUND}},
  };
  const char *model = plan->machine->sound.text;

  if (!model)
    return;
  for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++)
    if (strcmp(model, cards[i].model) == 0) {
      compose(markup, &cards[i].device, id);
      return;
    }
  vmf_machine_lose(plan->settings->losses, VMF_LOSS_COSMETIC, NULL,
                   "VMware has no such sound card: an ES1371 in its place", "sound");
  compose(markup, &cards[0].device, id);
}

static void compose_video(struct vmf_markup *markup, const struct vmf_machine *machine,
                          uint64_t *id)
{
  static const struct device card = {"Video card", NULL, VMF_RESOURCE_GRAPHICS};

  if (!machine->video_memory.told && !machine->video_heads.told && !machine->video_3d.told)
    return;
  start(markup, &card, id);
  if (machine->video_3d.told)
    vmf_compose_config(markup, "enable3DSupport", machine->video_3d.value ? "true" : "false");
  if (machine->video_heads.told)
    vmf_compose_config(markup, "numDisplays", "%" PRIu64, machine->video_heads.value);
  if (machine->video_memory.told)
    vmf_compose_config(markup, "videoRamSizeInKB", "%" PRIu64, machine->video_memory.value / 1024);
  vmf_markup_leave(markup, "Item");
}

static void compose_port(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                         size_t index, uint64_t *id)
{
  static const struct {
    const char *serial, *parallel;
  } subtypes[] = {
      [VMF_BACKEND_FILE] = {"vmware.serialport.file", "vmware.parallelport.file"},
      [VMF_BACKEND_PIPE] = {"vmware.serialport.pipe", NULL},
      [VMF_BACKEND_TCP] = {"vmware.serialport.uri", NULL},
      [VMF_BACKEND_DEVICE] = {"vmware.serialport.device", "vmware.parallelport.device"},
  };
  const struct vmf_machine_port *port = &plan->machine->ports[index];
  bool parallel = vmf_told_or(port->parallel, false);
  uint64_t backend = vmf_told_or(port->backend, VMF_BACKEND_NONE);
  const char *subtype = NULL;

  if (backend < sizeof subtypes / sizeof subtypes[0])
    subtype = parallel ? subtypes[backend].parallel : subtypes[backend].serial;
  if (port->path.text || (port->backend.told && !subtype))
    vmf_machine_lose(plan->settings->losses, VMF_LOSS_COSMETIC, NULL,
                     "what a port leads to is the host's", "ports[%zu].%s", index,
                     port->path.text ? "path" : "backend");
  const struct device device = {parallel ? "Parallel port" : "Serial port", subtype,
                                parallel ? VMF_RESOURCE_PARALLEL : VMF_RESOURCE_SERIAL};
  compose(markup, &device, id);
}

/* Without a key provider nobody can give a machine one; what it holds stays behind. */
static void compose_tpm(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                        uint64_t *id)
{
  static const struct device tpm = {"Virtual TPM", "vmware.vtpm", VMF_RESOURCE_OTHER};
  uint64_t version = vmf_told_or(plan->machine->tpm, VMF_TPM_NONE);

  if (version == VMF_TPM_NONE)
    return;
  vmf_machine_lose(plan->settings->losses, VMF_LOSS_BEHAVIOUR, "L-tpm-state",
                   version == VMF_TPM_2_0 ? "keys that it has sealed are in no package"
                                          : "VMware's TPM is of version 2.0",
                   "tpm");
  if (version == VMF_TPM_2_0)
    compose(markup, &tpm, id);
}

void vmf_compose_extras(struct vmf_markup *markup, const struct vmf_machine_plan *plan, uint64_t id)
{
  const struct vmf_machine *machine = plan->machine;

  compose_usb(markup, machine, &id);
  compose_sound(markup, plan, &id);
  compose_video(markup, machine, &id);
  for (size_t i = 0; i < machine->port_count; i++)
    compose_port(markup, plan, i, &id);
  compose_tpm(markup, plan, &id);
}
