/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The sections of a virtual system besides its hardware. */
#include <string.h>

#include "machine_plan.h"
#include "markup.h"

void vmf_compose_os(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  vmf_markup_start(markup, "OperatingSystemSection");
  vmf_markup_attribute(markup, "ovf:id", "%u", plan->os->cim);
  if (plan->os->vmware)
    vmf_markup_attribute(markup, "vmw:osType", "%s", plan->os->vmware);
  vmf_markup_enter(markup);
  vmf_markup_leaf(markup, "Info", "The guest operating system");
  vmf_markup_leaf(markup, "Description", "%s", plan->os->name);
  vmf_markup_leave(markup, "OperatingSystemSection");
}

static void compose_property(struct vmf_markup *markup, const struct vmf_property_options *property)
{
  const char *type = strchr(property->key, ':');
  size_t length = type ? (size_t)(type - property->key) : strlen(property->key);

  vmf_markup_start(markup, "Property");
  vmf_markup_attribute(markup, "ovf:key", "%.*s", (int)length, property->key);
  vmf_markup_attribute(markup, "ovf:type", "%s", type ? type + 1 : "string");
  vmf_markup_attribute(markup, "ovf:userConfigurable", "true");
  vmf_markup_attribute(markup, "ovf:value", "%s", property->value);
  vmf_markup_end(markup);
}

static void compose_product(struct vmf_markup *markup, const struct vmf_machine_options *machine)
{
  const struct {
    const char *name, *value;
  } words[] = {{"Product", machine->product},
               {"Vendor", machine->vendor},
               {"Version", machine->version},
               {"FullVersion", machine->full_version}};

  vmf_markup_open(markup, "ProductSection");
  vmf_markup_leaf(markup, "Info", "The installed software");
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (words[i].value)
      vmf_markup_leaf(markup, words[i].name, "%s", words[i].value);
  for (size_t i = 0; i < machine->property_count; i++)
    compose_property(markup, &machine->properties[i]);
  vmf_markup_leave(markup, "ProductSection");
}

static bool has_product(const struct vmf_machine_options *texts)
{
  return texts->product || texts->vendor || texts->version || texts->full_version ||
         texts->property_count > 0;
}

void vmf_compose_texts(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct vmf_machine_options *texts = plan->settings->texts;

  if (plan->description) {
    vmf_markup_open(markup, "AnnotationSection");
    vmf_markup_leaf(markup, "Info", "A note on the virtual machine");
    vmf_markup_leaf(markup, "Annotation", "%s", plan->description);
    vmf_markup_leave(markup, "AnnotationSection");
  }
  if (texts && has_product(texts))
    compose_product(markup, texts);
  for (size_t i = 0; texts && i < texts->eula_count; i++) {
    vmf_markup_open(markup, "EulaSection");
    vmf_markup_leaf(markup, "Info", "An end-user licence agreement");
    vmf_markup_leaf(markup, "License", "%s", texts->eulas[i]);
    vmf_markup_leave(markup, "EulaSection");
  }
}
