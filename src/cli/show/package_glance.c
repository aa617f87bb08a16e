/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "package_glance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "human.h"

static const struct vmf_value *child_of(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = value ? value->first : NULL;

  while (child && (!child->name || strcmp(child->name, name) != 0))
    child = child->next;
  return child;
}

static const char *text_of(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = child_of(value, name);
  return child && child->text ? child->text : NULL;
}

static bool is_true(const struct vmf_value *value, const char *name)
{
  const struct vmf_value *child = child_of(value, name);
  return child && child->number != 0;
}

static void print_label(unsigned indent, const char *label)
{
  printf("%*s%s: ", (int)indent, "", label);
}

static void print_text(unsigned indent, const char *label, const char *text)
{
  if (!text)
    return;
  print_label(indent, label);
  vmf_human_text(stdout, text);
  putchar('\n');
}

static void print_size(const char *label, const struct vmf_value *size)
{
  char text[16];

  if (!size)
    return;
  vmf_human_size(size->number, text);
  printf(", %s %s", label, text);
}

/* ", word" */
static void print_more(const char *before, const char *text)
{
  if (!text)
    return;
  fputs(before, stdout);
  vmf_human_text(stdout, text);
}

/* ---- a system ---- */

static void print_processor(const struct vmf_value *system)
{
  const struct vmf_value *cpus = child_of(system, "cpus");
  const struct vmf_value *cores = child_of(system, "cores-per-socket");
  const struct vmf_value *memory = child_of(system, "memory");
  char size[16];

  if (cpus) {
    print_label(2, "cpus");
    printf("%" PRIu64, cpus->number);
    if (cores)
      printf(" (%" PRIu64 " a socket)", cores->number);
    putchar('\n');
  }
  if (memory) {
    vmf_human_size(memory->number, size);
    print_text(2, "memory", size);
  }
}

static void print_firmware(const struct vmf_value *system)
{
  const char *firmware = text_of(system, "firmware");

  if (!firmware && !is_true(system, "secure-boot"))
    return;
  print_label(2, "firmware");
  vmf_human_text(stdout, firmware ? firmware : "not said");
  puts(is_true(system, "secure-boot") ? ", secure boot" : "");
}

/* " at SCSI 0:1": the controller's number among those of its kind, and the place on it. */
static void print_place(const struct vmf_value *device)
{
  const struct vmf_value *number = child_of(device, "controller-number");

  print_more(" at ", text_of(device, "controller"));
  if (number)
    printf(" %" PRIu64, number->number);
  print_more(number ? ":" : " at ", text_of(device, "address"));
}

static void print_drives(const struct vmf_value *system)
{
  const struct vmf_value *list = child_of(system, "disks");

  for (const struct vmf_value *drive = list ? list->first : NULL; drive; drive = drive->next) {
    print_label(2, "drive");
    vmf_human_text(stdout, text_of(drive, "disk") ? text_of(drive, "disk") : "none");
    print_place(drive);
    putchar('\n');
  }
}

static void print_nics(const struct vmf_value *system)
{
  const struct vmf_value *list = child_of(system, "nics");

  for (const struct vmf_value *nic = list ? list->first : NULL; nic; nic = nic->next) {
    print_label(2, "network card");
    vmf_human_text(stdout, text_of(nic, "model") ? text_of(nic, "model") : "any model");
    print_more(" on ", text_of(nic, "network"));
    print_more(", ", text_of(nic, "mac"));
    putchar('\n');
  }
}

/* "controller: SCSI 0, lsilogic", "device: cd at IDE 0:1" */
static void print_devices(const struct vmf_value *system, const char *list_name, const char *label)
{
  const struct vmf_value *list = child_of(system, list_name);

  for (const struct vmf_value *device = list ? list->first : NULL; device; device = device->next) {
    print_label(2, label);
    vmf_human_text(stdout, text_of(device, "type") ? text_of(device, "type") : "unknown");
    if (child_of(device, "number"))
      printf(" %" PRIu64, child_of(device, "number")->number);
    print_more(", ", text_of(device, "model"));
    print_place(device);
    putchar('\n');
  }
}

static void print_products(const struct vmf_value *system)
{
  const struct vmf_value *products = child_of(system, "products");
  const struct vmf_value *properties = child_of(system, "properties");

  for (const struct vmf_value *at = products ? products->first : NULL; at; at = at->next) {
    print_label(2, "product");
    vmf_human_text(stdout, text_of(at, "name") ? text_of(at, "name") : "unnamed");
    print_more(" ",
               text_of(at, "full-version") ? text_of(at, "full-version") : text_of(at, "version"));
    print_more(", ", text_of(at, "vendor"));
    putchar('\n');
  }
  for (const struct vmf_value *at = properties ? properties->first : NULL; at; at = at->next) {
    print_label(2, "property");
    vmf_human_text(stdout, text_of(at, "key") ? text_of(at, "key") : "");
    print_more(" = ", text_of(at, "value"));
    if (child_of(at, "hidden") && child_of(at, "length")->number > 0)
      printf(" = (hidden, %" PRIu64 " bytes)", child_of(at, "length")->number);
    print_more(" (", text_of(at, "label"));
    puts(text_of(at, "label") ? ")" : "");
  }
}

/* A long text: its first line, cut between two characters, and how much there is. */
static void print_long(const char *label, const char *text)
{
  size_t line = text ? strcspn(text, "\r\n") : 0;
  char first[61];

  if (!text)
    return;
  line = line < 60 ? line : 60;
  while (line > 0 && ((unsigned char)text[line] & 0xc0) == 0x80)
    line--;
  snprintf(first, sizeof first, "%.*s", (int)line, text);
  print_label(2, label);
  vmf_human_text(stdout, first);
  if (strlen(text) > strlen(first))
    printf(" ... (%zu bytes)", strlen(text));
  putchar('\n');
}

static void print_system(const struct vmf_value *system)
{
  const struct vmf_value *eulas = child_of(system, "eulas");
  const char *name = text_of(system, "name") ? text_of(system, "name") : text_of(system, "id");
  const struct vmf_value *os = child_of(system, "guest-os");

  print_text(0, is_true(system, "collection") ? "collection" : "machine", name ? name : "unnamed");
  print_text(2, "in", text_of(system, "in"));
  print_text(2, "guest system",
             text_of(os, "name") ? text_of(os, "name") : text_of(os, "description"));
  print_processor(system);
  print_firmware(system);
  print_text(2, "hardware", text_of(system, "hardware"));
  print_devices(system, "controllers", "controller");
  print_drives(system);
  print_nics(system);
  print_devices(system, "devices", "device");
  print_products(system);
  for (const struct vmf_value *eula = eulas ? eulas->first : NULL; eula; eula = eula->next)
    print_long("license", eula->text);
  print_long("annotation", text_of(system, "annotation"));
}

/* ---- the rest ---- */

/* Whether the image is not as large as the descriptor says. */
static bool holds_another_size(const struct vmf_value *disk)
{
  const struct vmf_value *capacity = child_of(disk, "capacity");
  const struct vmf_value *size = child_of(disk, "virtual-size");

  return capacity && size && capacity->number != size->number;
}

static void print_disk(const struct vmf_value *disk)
{
  print_label(0, "disk");
  vmf_human_text(stdout, text_of(disk, "id") ? text_of(disk, "id") : "unnamed");
  print_more(", ", text_of(disk, "file"));
  print_more(", ", text_of(disk, "format"));
  if (is_true(disk, "empty"))
    fputs(", empty", stdout);
  print_more(", delta to ", text_of(disk, "parent"));
  print_size("capacity", child_of(disk, "capacity"));
  print_more(", capacity ", text_of(disk, "capacity-text"));
  if (holds_another_size(disk))
    print_size("image", child_of(disk, "virtual-size"));
  print_size("file", child_of(disk, "file-size"));
  print_size("data", child_of(disk, "data-size"));
  putchar('\n');
  print_text(2, "cannot be read", text_of(disk, "error"));
}

static void print_names(const struct vmf_value *info, const char *list_name, const char *label,
                        const char *key, const char *more)
{
  const struct vmf_value *list = child_of(info, list_name);

  for (const struct vmf_value *at = list ? list->first : NULL; at; at = at->next) {
    print_label(0, label);
    vmf_human_text(stdout, text_of(at, key) ? text_of(at, key) : "unnamed");
    print_more(", ", more ? text_of(at, more) : NULL);
    puts(is_true(at, "default") ? " (default)" : "");
  }
}

void vmf_package_glance(const struct vmf_value *info)
{
  const struct vmf_value *systems = child_of(info, "systems");
  const struct vmf_value *disks = child_of(info, "disks");

  print_text(0, "package", text_of(info, "filename"));
  print_label(0, "form");
  print_more("OVF ", text_of(info, "ovf-version"));
  print_more(" as ", text_of(info, "format"));
  print_more(", dialect ", text_of(info, "dialect"));
  print_more(", texts in ", text_of(info, "language"));
  printf(", %s, %s\n", is_true(info, "manifest") ? "with manifest" : "no manifest",
         is_true(info, "certificate") ? "with certificate" : "not signed");
  for (const struct vmf_value *at = systems ? systems->first : NULL; at; at = at->next)
    print_system(at);
  for (const struct vmf_value *at = disks ? disks->first : NULL; at; at = at->next)
    print_disk(at);
  print_names(info, "networks", "network", "name", "description");
  print_names(info, "deployment-options", "deployment option", "id", "label");
  print_names(info, "extensions", "extension", "name", NULL);
}
