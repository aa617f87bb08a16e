/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Descriptors as the tests write them, and how they are read. */
#ifndef VMF_TESTS_DESCRIPTOR_CASE_H
#define VMF_TESTS_DESCRIPTOR_CASE_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "memory.h"
#include "model.h"

#define NAMESPACES                                                                                 \
  " xmlns:rasd='" VMF_NS_RASD "' xmlns:vssd='" VMF_NS_VSSD "' xmlns:sasd='" VMF_NS_SASD            \
  "' xmlns:epasd='" VMF_NS_EPASD "' xmlns:vmw='" VMF_NS_VMW "' xmlns:vbox='" VMF_NS_VBOX           \
  "' xmlns:xsi='" VMF_NS_XSI "' xmlns:x='urn:x'"
#define ENVELOPE_OF(uri) "<Envelope xmlns='" uri "' xmlns:ovf='" uri "'" NAMESPACES ">"
#define ENVELOPE ENVELOPE_OF(VMF_NS_OVF_1)
#define HARDWARE ENVELOPE "<VirtualSystem ovf:id='v'><VirtualHardwareSection>"
#define HARDWARE_END "</VirtualHardwareSection></VirtualSystem></Envelope>"
#define ITEM(children) "<Item>" children "</Item>"

static struct vmf_error error;
static char last_finding[256];

static void note(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  snprintf(last_finding, sizeof last_finding, "%s: %s", finding->rule, finding->text);
}

static enum vmf_code try_read(const char *text, struct vmf_ovf **ovf)
{
  struct vmf_report report = {.finding = note};

  last_finding[0] = '\0';
  error = (struct vmf_error){0};
  return vmf_ovf_read("a.ovf", text, strlen(text), &report, ovf, &error);
}

static struct vmf_ovf *ovf;

static void read_text(const char *text)
{
  enum vmf_code code = try_read(text, &ovf);

  ck_assert_msg(code == VMF_OK, "%s", error.text);
  ck_assert_str_eq(ovf->name, "a.ovf");
}

static void free_ovf(void)
{
  vmf_ovf_free(ovf);
  ovf = NULL;
}

#endif
