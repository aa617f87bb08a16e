/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "list.h"
#include "memory.h"
#include "text.h"

/* Texts live as long as their machine. */
struct vmf_machine_text {
  struct vmf_machine_text *next;
  char text[];
};

enum vmf_code vmf_machine_new(struct vmf_machine **machine, struct vmf_error *error)
{
  void *block = NULL;

  *machine = NULL;
  VMF_TRY(vmf_alloc(sizeof **machine, &block, error));
  *machine = block;
  return VMF_OK;
}

void vmf_machine_free(struct vmf_machine *machine)
{
  if (!machine)
    return;
  while (machine->texts) {
    struct vmf_machine_text *next = machine->texts->next;
    vmf_free(machine->texts);
    machine->texts = next;
  }
  for (size_t i = 0; i < machine->snapshot_count; i++)
    vmf_free(machine->snapshots[i].images);
  vmf_free(machine->controllers);
  vmf_free(machine->disks);
  vmf_free(machine->nics);
  vmf_free(machine->ports);
  vmf_free(machine->snapshots);
  vmf_free(machine->extras);
  vmf_free(machine);
}

/* ---- texts ---- */

static enum vmf_code keep(struct vmf_machine *machine, const char *text, const char **kept,
                          struct vmf_error *error)
{
  size_t length = strlen(text);
  void *block = NULL;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_machine_text) + length + 1, &block, error));
  struct vmf_machine_text *made = block;
  memcpy(made->text, text, length + 1);
  made->next = machine->texts;
  machine->texts = made;
  *kept = made->text;
  return VMF_OK;
}

enum vmf_code vmf_machine_text(struct vmf_machine *machine, const char *text, unsigned line,
                               struct vmf_told_text *told, struct vmf_error *error)
{
  *told = (struct vmf_told_text){0};
  if (!text)
    return VMF_OK;
  VMF_TRY(keep(machine, text, &told->text, error));
  told->line = line;
  return VMF_OK;
}

enum vmf_code vmf_machine_format_text(struct vmf_machine *machine, unsigned line,
                                      struct vmf_told_text *told, struct vmf_error *error,
                                      const char *format, ...)
{
  VMF_AUTO_FREE char *text = NULL;
  va_list values;

  va_start(values, format);
  int length = vasprintf(&text, format, values);
  va_end(values);
  if (length < 0) {
    text = NULL;
    return vmf_fail(error, VMF_NOMEM, "no memory for a text of the machine");
  }
  return vmf_machine_text(machine, text, line, told, error);
}

/* ---- lists ---- */

/* Room for one more, and its address. list: the address of the pointer. */
static enum vmf_code append(void *list, size_t size, size_t *count, size_t *room, size_t most,
                            const char *what, void **element, struct vmf_error *error)
{
  if (*count == most)
    return vmf_fail(error, VMF_LIMIT, "the machine has more than %zu %s", most, what);
  if (*count == *room)
    VMF_TRY(vmf_list_grow(list, size, room, what, error));
  *element = *(char **)list + *count * size;
  memset(*element, 0, size);
  ++*count;
  return VMF_OK;
}

#define DEFINE_ADD(singular, plural)                                                               \
  enum vmf_code vmf_machine_add_##singular(struct vmf_machine *machine,                            \
                                           struct vmf_machine_##singular **singular,               \
                                           struct vmf_error *error)                                \
  {                                                                                                \
    void *element = NULL;                                                                          \
    VMF_TRY(append(&machine->plural, sizeof *machine->plural, &machine->singular##_count,          \
                   &machine->singular##_room, VMF_MACHINE_DEVICES, #plural, &element, error));     \
    *singular = element;                                                                           \
    return VMF_OK;                                                                                 \
  }

DEFINE_ADD(controller, controllers)
DEFINE_ADD(disk, disks)
DEFINE_ADD(nic, nics)
DEFINE_ADD(port, ports)
DEFINE_ADD(snapshot, snapshots)

enum vmf_code vmf_machine_add_extra(struct vmf_machine *machine, const char *vendor,
                                    const char *key, const char *value, unsigned line, bool known,
                                    struct vmf_error *error)
{
  struct vmf_machine_extra extra = {.vendor = vendor, .line = line, .known = known};
  void *element = NULL;

  machine->extra_key_bytes += strlen(key) + 1;
  if (machine->extra_key_bytes > VMF_MACHINE_KEYS)
    return vmf_fail(error, VMF_LIMIT,
                    "line %u: the names of settings without a place have more than %d bytes", line,
                    VMF_MACHINE_KEYS);
  VMF_TRY(keep(machine, key, &extra.key, error));
  VMF_TRY(keep(machine, value, &extra.value, error));
  VMF_TRY(append(&machine->extras, sizeof *machine->extras, &machine->extra_count,
                 &machine->extra_room, VMF_MACHINE_EXTRAS, "settings without a place", &element,
                 error));
  *(struct vmf_machine_extra *)element = extra;
  return VMF_OK;
}

struct vmf_machine_controller *vmf_machine_controller(const struct vmf_machine *machine,
                                                      enum vmf_bus bus, uint64_t index)
{
  for (size_t i = 0; i < machine->controller_count; i++)
    if (machine->controllers[i].bus.value == bus && machine->controllers[i].index.value == index)
      return &machine->controllers[i];
  return NULL;
}

const char *vmf_machine_extra(const struct vmf_machine *machine, const char *vendor,
                              const char *key)
{
  for (size_t i = 0; i < machine->extra_count; i++)
    if (strcmp(machine->extras[i].vendor, vendor) == 0 && strcmp(machine->extras[i].key, key) == 0)
      return machine->extras[i].value;
  return NULL;
}

/* ---- values that need care ---- */

enum vmf_code vmf_machine_set_os(struct vmf_machine *machine, const struct vmf_guest_os *row,
                                 const char *source, unsigned line, struct vmf_error *error)
{
  /* a name that leads back to the row: VMware has one for several */
  bool own = row && row->vmware && vmf_guest_os_find(row->vmware) == row;
  const char *name = own ? row->vmware : row ? row->name : NULL;

  VMF_TRY(vmf_machine_text(machine, name, line, &machine->os, error));
  return vmf_machine_text(machine, source, line, &machine->os_source, error);
}

const struct vmf_guest_os *vmf_machine_os(const struct vmf_machine *machine)
{
  return machine->os.text ? vmf_guest_os_find(machine->os.text) : NULL;
}

enum vmf_os_family vmf_machine_family(const struct vmf_machine *machine)
{
  const struct vmf_guest_os *os = vmf_machine_os(machine);

  return os ? vmf_guest_os_family(os) : VMF_OS_OTHER;
}

enum vmf_clock vmf_machine_clock(const struct vmf_machine *machine)
{
  bool windows = vmf_machine_family(machine) == VMF_OS_WINDOWS;

  if (machine->clock.told)
    return (enum vmf_clock)machine->clock.value;
  return windows && !machine->clock_offset.told ? VMF_CLOCK_LOCALTIME : VMF_CLOCK_UTC;
}

/* Twelve hexadecimal digits, with ':', '-' or '.' between some of them. */
static bool parse_mac(const char *text, uint8_t mac[6])
{
  unsigned digits = 0;

  memset(mac, 0, 6);
  for (const char *c = text; *c; c++) {
    int digit = vmf_hex_digit(*c);
    if (digit < 0 && (*c == ':' || *c == '-' || *c == '.') && digits % 2 == 0)
      continue;
    if (digit < 0 || digits == 12)
      return false;
    mac[digits / 2] = (uint8_t)(mac[digits / 2] << 4 | digit);
    digits++;
  }
  return digits == 12;
}

enum vmf_code vmf_machine_set_mac(struct vmf_machine *machine, const char *what, const char *text,
                                  unsigned line, struct vmf_machine_nic *nic,
                                  struct vmf_error *error)
{
  static const uint8_t none[6];
  uint8_t mac[6];

  if (!parse_mac(text, mac) || mac[0] & 1)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: \"%.40s\" is no address of a network card: accepted are six octets in "
                    "hexadecimal, the first of them even",
                    what, text);
  nic->mac = (struct vmf_told_text){0};
  if (memcmp(mac, none, sizeof mac) == 0)
    return VMF_OK;
  return vmf_machine_format_text(machine, line, &nic->mac, error, "%02x:%02x:%02x:%02x:%02x:%02x",
                                 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* ---- copies ---- */

static enum vmf_code copy_list(const void *list, size_t count, size_t size, void *copy,
                               size_t *room, struct vmf_error *error)
{
  void *memory = NULL;

  VMF_TRY(vmf_alloc(count * size, &memory, error));
  if (count > 0)
    memcpy(memory, list, count * size);
  *(void **)copy = memory;
  *room = count;
  return VMF_OK;
}

enum vmf_code vmf_machine_copy(const struct vmf_machine *machine, struct vmf_machine **copy,
                               struct vmf_error *error)
{
  VMF_TRY(vmf_machine_new(copy, error));
  struct vmf_machine *made = *copy;
  *made = *machine;
  made->texts = NULL;
  made->controllers = NULL;
  made->disks = NULL;
  made->nics = NULL;
  made->ports = NULL;
  made->snapshots = NULL;
  made->extras = NULL;
  made->snapshot_count = made->snapshot_room = 0;
#define COPY(plural, singular)                                                                     \
  VMF_TRY(copy_list(machine->plural, machine->singular##_count, sizeof *machine->plural,           \
                    &made->plural, &made->singular##_room, error))
  COPY(controllers, controller);
  COPY(disks, disk);
  COPY(nics, nic);
  COPY(ports, port);
  COPY(extras, extra);
#undef COPY
  return VMF_OK;
}
