/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "adopt.h"

#include <string.h>

#include "fields.h"

/* ---- fields ---- */

static enum vmf_code adopt_field(struct vmf_machine *machine, const struct vmf_field *field,
                                 void *into, const void *from, struct vmf_error *error)
{
  void *own = (char *)into + field->offset;
  const void *other = (const char *)from + field->offset;

  if (vmf_field_told(field, into) || !vmf_field_told(field, from))
    return VMF_OK;
  if (field->kind == VMF_FIELD_TEXT) {
    const struct vmf_told_text *text = other;
    return vmf_machine_text(machine, text->text, text->line, own, error);
  }
  memcpy(own, other,
         field->kind == VMF_FIELD_ID ? sizeof(struct vmf_told_id) : sizeof(struct vmf_told_number));
  return VMF_OK;
}

static enum vmf_code adopt_fields(struct vmf_machine *machine, const struct vmf_field *fields,
                                  void *into, const void *from, struct vmf_error *error)
{
  for (const struct vmf_field *field = fields; field->name; field++)
    VMF_TRY(adopt_field(machine, field, into, from, error));
  return VMF_OK;
}

/* ---- devices ---- */

static const struct vmf_field *fields_of(const char *list)
{
  const struct vmf_field_list *found = vmf_machine_lists;

  while (strcmp(found->name, list) != 0)
    found++;
  return found->fields;
}

static bool same(struct vmf_told_number one, struct vmf_told_number other)
{
  return one.told && other.told && one.value == other.value;
}

static enum vmf_code adopt_controllers(struct vmf_machine *machine, const struct vmf_machine *other,
                                       struct vmf_error *error)
{
  for (size_t i = 0; i < machine->controller_count; i++) {
    struct vmf_machine_controller *own = &machine->controllers[i];
    const struct vmf_machine_controller *found =
        vmf_machine_controller(other, own->bus.value, own->index.value);
    if (found)
      VMF_TRY(adopt_fields(machine, fields_of("controllers"), own, found, error));
  }
  return VMF_OK;
}

static enum vmf_code adopt_disks(struct vmf_machine *machine, const struct vmf_machine *other,
                                 struct vmf_error *error)
{
  for (size_t i = 0; i < machine->disk_count; i++)
    for (size_t j = 0; j < other->disk_count; j++) {
      struct vmf_machine_disk *own = &machine->disks[i];
      const struct vmf_machine_disk *found = &other->disks[j];
      if (same(own->bus, found->bus) && same(own->controller, found->controller) &&
          same(own->unit, found->unit) && same(own->medium, found->medium)) {
        VMF_TRY(adopt_fields(machine, fields_of("disks"), own, found, error));
        break;
      }
    }
  return VMF_OK;
}

/* The card of the same address; else the one in the same place of the order, if it has none. */
static const struct vmf_machine_nic *find_card(const struct vmf_machine *machine, size_t index,
                                               const struct vmf_machine *other)
{
  const char *mac = machine->nics[index].mac.text;

  for (size_t i = 0; mac && i < other->nic_count; i++)
    if (other->nics[i].mac.text && strcmp(other->nics[i].mac.text, mac) == 0)
      return &other->nics[i];
  return index < other->nic_count && (!mac || !other->nics[index].mac.text) ? &other->nics[index]
                                                                            : NULL;
}

static enum vmf_code adopt_cards(struct vmf_machine *machine, const struct vmf_machine *other,
                                 struct vmf_error *error)
{
  for (size_t i = 0; i < machine->nic_count; i++) {
    const struct vmf_machine_nic *found = find_card(machine, i, other);
    if (found)
      VMF_TRY(adopt_fields(machine, fields_of("nics"), &machine->nics[i], found, error));
  }
  return VMF_OK;
}

static enum vmf_code adopt_ports(struct vmf_machine *machine, const struct vmf_machine *other,
                                 struct vmf_error *error)
{
  for (size_t i = 0, had = machine->port_count; had == 0 && i < other->port_count; i++) {
    struct vmf_machine_port *port;
    VMF_TRY(vmf_machine_add_port(machine, &port, error));
    VMF_TRY(adopt_fields(machine, fields_of("ports"), port, &other->ports[i], error));
  }
  return VMF_OK;
}

enum vmf_code vmf_machine_adopt(struct vmf_machine *machine, const struct vmf_machine *other,
                                struct vmf_error *error)
{
  VMF_TRY(adopt_fields(machine, vmf_machine_fields, machine, other, error));
  VMF_TRY(adopt_controllers(machine, other, error));
  VMF_TRY(adopt_disks(machine, other, error));
  VMF_TRY(adopt_cards(machine, other, error));
  return adopt_ports(machine, other, error);
}
