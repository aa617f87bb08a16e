/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libvirt's domain XML (https://libvirt.org/formatdomain.html; the schema is
 * domaincommon.rng). */
#include <string.h>

#include "libvirt_editor.h"
#include "memory.h"
#include "writing.h"

/* ---- probing ---- */

/* Behind white space, the declaration and comments. NULL: the head ends before.
 */
static const char *find_root(const char *at, const char *end)
{
  static const struct {
    const char *open, *close;
  } skipped[] = {{"\xef\xbb\xbf", ""}, {"<?", "?>"}, {"<!--", "-->"}};

  for (size_t i = 0; i < sizeof skipped / sizeof *skipped && at; i++) {
    size_t length = strlen(skipped[i].open);
    while (at < end && strchr(" \t\r\n", *at))
      at++;
    if ((size_t)(end - at) <= length || memcmp(at, skipped[i].open, length) != 0)
      continue;
    at = memmem(at + length, (size_t)(end - at) - length, skipped[i].close,
                strlen(skipped[i].close));
    at = at ? at + strlen(skipped[i].close) : NULL;
    i = (size_t)-1;
  }
  return at;
}

/* The roots that are told by name when they are read, too: a domain in other
 * clothes; and what is refused for its DOCTYPE. */
static int libvirt_probe(const uint8_t *head, size_t length)
{
  static const char *const roots[] = {"<domain", "<domstatus", "<domainsnapshot",
                                      "<!DOCTYPE domain"};
  const char *end = (const char *)head + length, *root = find_root((const char *)head, end);

  for (size_t i = 0; root && i < sizeof roots / sizeof *roots; i++) {
    size_t size = strlen(roots[i]);
    if ((size_t)(end - root) > size && memcmp(root, roots[i], size) == 0 &&
        strchr(" \t\r\n>/", root[size]))
      return 100;
  }
  return 0;
}

/* ---- reading ---- */

static enum vmf_code refuse_root(const char *name, const xmlNode *root, struct vmf_error *error)
{
  static const struct {
    const char *root, *advice;
  } others[] = {
      {"domstatus", "the state of a running machine; take the output of `virsh "
                    "dumpxml NAME`"},
      {"domainsnapshot", "a snapshot; take the output of `virsh dumpxml NAME`"},
      {"domaincheckpoint", "a checkpoint; take the output of `virsh dumpxml NAME`"},
  };
  const char *advice = "accepted is <domain>, libvirt's description of a machine";

  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!root->ns && strcmp((const char *)root->name, others[i].root) == 0)
      advice = others[i].advice;
  return vmf_fail(error, VMF_UNSUPPORTED, "%s:%u: the root is <%.40s>%s%.100s: %s", name,
                  vmf_xml_line(root), (const char *)root->name,
                  root->ns ? " of the namespace " : "",
                  root->ns ? (const char *)root->ns->href : "", advice);
}

static enum vmf_code read_domain(struct vmf_taking *reading, struct vmf_error *error)
{
  const xmlNode *domain = reading->xml->elements[0];

  if (domain->ns || strcmp((const char *)domain->name, "domain") != 0)
    return refuse_root(reading->name, domain, error);
  const xmlNode *devices = libvirt_child(domain, "devices");
  vmf_taking_take(reading, devices);
  VMF_TRY(libvirt_check(reading, error));
  VMF_TRY(libvirt_read_system(reading, domain, error));
  VMF_TRY(libvirt_read_cpu(reading, domain, error));
  VMF_TRY(libvirt_read_devices(reading, devices, error));
  VMF_TRY(libvirt_read_disks(reading, devices, error));
  VMF_TRY(libvirt_read_nics(reading, devices, error));
  return vmf_taking_leftovers(reading, domain, error);
}

static enum vmf_code libvirt_read(const struct vmf_machine_source *source,
                                  struct vmf_machine *machine, struct vmf_report *report,
                                  struct vmf_error *error)
{
  struct vmf_taking reading = {.name = source->name,
                               .vocabulary = &libvirt_vocabulary,
                               .machine = machine,
                               .report = report};
  struct vmf_xml *xml = NULL;

  VMF_TRY(vmf_xml_parse(source->name, source->bytes, source->length, report, &xml, error));
  reading.xml = xml;
  enum vmf_code code = vmf_taking_begin(&reading, error);
  if (code == VMF_OK)
    code = read_domain(&reading, error);
  vmf_taking_clear(&reading);
  vmf_xml_free(xml);
  return code;
}

static const char *const suffixes[] = {"xml", NULL};

const struct vmf_machine_format vmf_machine_format_libvirt = {
    .name = "libvirt",
    .summary = "libvirt's domain XML, for QEMU and KVM",
    .suffixes = suffixes,
    .probe = libvirt_probe,
    .read = libvirt_read,
    .write = libvirt_write,
    .edit = libvirt_edit,
    .disk_form = "qcow2",
};
