/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "rules_table.h"

#include <string.h>

#define OPTIONAL VMF_SEVERITY_NOTE
#define NEEDED VMF_SEVERITY_VIOLATION
#define WANTED VMF_SEVERITY_WARNING

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Every section and every Content starts with it. */
#define INFO                                                                                       \
  {                                                                                                \
    "Info", 0, 1, NEEDED, NULL, 0                                                                  \
  }

/* ---- References, Strings ---- */

static const struct vmf_rule_attribute file_attributes[] = {
    {"id", VMF_RULE_WORD, NEEDED}, {"href", VMF_RULE_WORD, NEEDED}, {0}};
static const struct vmf_rule_element file = {.attributes = file_attributes};
static const struct vmf_rule_child references_children[] = {{"File", 0, 0, OPTIONAL, &file, 0},
                                                            {0}};
static const struct vmf_rule_element references = {.children = references_children};

static const struct vmf_rule_attribute msg_attributes[] = {{"msgid", VMF_RULE_WORD, NEEDED}, {0}};
static const struct vmf_rule_element msg = {.attributes = msg_attributes};
static const struct vmf_rule_child strings_children[] = {{"Msg", 0, 0, OPTIONAL, &msg, 0}, {0}};
static const struct vmf_rule_element strings = {.children = strings_children};

/* ---- sections of the envelope ---- */

static const struct vmf_rule_attribute disk_attributes[] = {
    {"diskId", VMF_RULE_WORD, NEEDED},
    {"capacity", VMF_RULE_WORD, NEEDED},
    {"fileRef", VMF_RULE_TEXT, OPTIONAL},
    {"parentRef", VMF_RULE_WORD, OPTIONAL},
    {"populatedSize", VMF_RULE_UNSIGNED, OPTIONAL},
    {0}};
static const struct vmf_rule_element disk = {.attributes = disk_attributes};
static const struct vmf_rule_child disk_section_children[] = {
    INFO, {"Disk", 1, 0, OPTIONAL, &disk, 0}, {0}};
static const struct vmf_rule_element disk_section = {.children = disk_section_children};

static const struct vmf_rule_child shared_disk_section_children[] = {
    INFO, {"SharedDisk", 1, 0, WANTED, &disk, 0}, {0}};
static const struct vmf_rule_element shared_disk_section = {.children =
                                                                shared_disk_section_children};

static const struct vmf_rule_attribute network_attributes[] = {{"name", VMF_RULE_WORD, NEEDED},
                                                               {0}};
static const struct vmf_rule_child network_children[] = {
    {"Description", 0, 1, OPTIONAL, NULL, 0},
    {"NetworkPortProfile", 1, 0, OPTIONAL, NULL, VMF_RULE_2},
    {"NetworkPortProfileURI", 1, 0, OPTIONAL, NULL, VMF_RULE_2},
    {0}};
static const struct vmf_rule_element network = {.attributes = network_attributes,
                                                .children = network_children};
static const struct vmf_rule_child network_section_children[] = {
    INFO, {"Network", 1, 0, OPTIONAL, &network, 0}, {0}};
static const struct vmf_rule_element network_section = {.children = network_section_children};

static const struct vmf_rule_attribute configuration_attributes[] = {
    {"id", VMF_RULE_WORD, NEEDED}, {"default", VMF_RULE_BOOLEAN, OPTIONAL}, {0}};
static const struct vmf_rule_child configuration_children[] = {
    {"Label", 0, 1, WANTED, NULL, 0}, {"Description", 1, 1, WANTED, NULL, 0}, {0}};
static const struct vmf_rule_element configuration = {.attributes = configuration_attributes,
                                                      .children = configuration_children};
static const struct vmf_rule_child deployment_children[] = {
    INFO, {"Configuration", 1, 0, WANTED, &configuration, 0}, {0}};
static const struct vmf_rule_element deployment = {.children = deployment_children};

static const struct vmf_rule_attribute group_attributes[] = {
    {"id", VMF_RULE_WORD, WANTED}, {"policy", VMF_RULE_WORD, WANTED}, {0}};
static const struct vmf_rule_child described_children[] = {
    INFO, {"Description", 1, 1, OPTIONAL, NULL, 0}, {0}};
static const struct vmf_rule_element placement_group = {.attributes = group_attributes,
                                                        .children = described_children};

/* ---- sections of a system ---- */

static const struct vmf_rule_child info_only[] = {INFO, {0}};
static const struct vmf_rule_element just_info = {.children = info_only};

static const struct vmf_rule_attribute os_attributes[] = {{"id", VMF_RULE_SHORT, NEEDED}, {0}};
static const struct vmf_rule_element os = {.attributes = os_attributes,
                                           .children = described_children};

/* What an Item holds is a matter of rules_hardware.c. */
static const struct vmf_rule_child hardware_children[] = {
    INFO,
    {"System", 1, 1, OPTIONAL, NULL, 0},
    {"Item", 2, 0, OPTIONAL, NULL, 0},
    {"EthernetPortItem", 3, 0, OPTIONAL, NULL, VMF_RULE_2},
    {"StorageItem", 4, 0, OPTIONAL, NULL, VMF_RULE_2},
    {0}};
static const struct vmf_rule_element hardware = {.children = hardware_children};

static const struct vmf_rule_child allocation_children[] = {
    INFO,
    {"Item", 1, 0, OPTIONAL, NULL, 0},
    {"EthernetPortItem", 2, 0, OPTIONAL, NULL, VMF_RULE_2},
    {"StorageItem", 3, 0, OPTIONAL, NULL, VMF_RULE_2},
    {0}};
static const struct vmf_rule_element allocation = {.children = allocation_children};

static const struct vmf_rule_attribute install_attributes[] = {
    {"initialBootStopDelay", VMF_RULE_SHORT, WANTED}, {0}};
static const struct vmf_rule_element install = {.attributes = install_attributes,
                                                .children = info_only};

static const struct vmf_rule_attribute environment_file_attributes[] = {
    {"fileRef", VMF_RULE_WORD, NEEDED}, {"path", VMF_RULE_WORD, NEEDED}, {0}};
static const struct vmf_rule_element environment_file = {.attributes = environment_file_attributes};
static const struct vmf_rule_child environment_children[] = {
    INFO, {"File", 1, 0, OPTIONAL, &environment_file, 0}, {0}};
static const struct vmf_rule_element environment = {.children = environment_children};

static const struct vmf_rule_attribute instance_count_attributes[] = {
    {"default", VMF_RULE_UNSIGNED, WANTED},
    {"minimum", VMF_RULE_UNSIGNED, OPTIONAL},
    {"maximum", VMF_RULE_UNSIGNED, OPTIONAL},
    {0}};
static const struct vmf_rule_element instance_count = {.attributes = instance_count_attributes};
static const struct vmf_rule_attribute scale_out_attributes[] = {{"id", VMF_RULE_WORD, WANTED},
                                                                 {0}};
static const struct vmf_rule_child scale_out_children[] = {
    INFO,
    {"Description", 1, 1, OPTIONAL, NULL, 0},
    {"InstanceCount", 2, 0, WANTED, &instance_count, 0},
    {0}};
static const struct vmf_rule_element scale_out = {.attributes = scale_out_attributes,
                                                  .children = scale_out_children};

static const struct vmf_rule_attribute placement_attributes[] = {{"group", VMF_RULE_WORD, WANTED},
                                                                 {0}};
static const struct vmf_rule_element placement = {.attributes = placement_attributes,
                                                  .children = info_only};

/* ---- sections of systems and collections ---- */

static const struct vmf_rule_attribute value_attributes[] = {{"value", VMF_RULE_TEXT, NEEDED}, {0}};
static const struct vmf_rule_element value = {.attributes = value_attributes};
static const struct vmf_rule_attribute property_attributes[] = {
    {"key", VMF_RULE_WORD, NEEDED},
    {"type", VMF_RULE_WORD, NEEDED},
    {"userConfigurable", VMF_RULE_BOOLEAN, OPTIONAL},
    {"password", VMF_RULE_BOOLEAN, OPTIONAL},
    {0}};
static const struct vmf_rule_child property_children[] = {{"Label", 0, 1, OPTIONAL, NULL, 0},
                                                          {"Description", 1, 1, OPTIONAL, NULL, 0},
                                                          {"Value", 2, 0, OPTIONAL, &value, 0},
                                                          {0}};
static const struct vmf_rule_element property = {.attributes = property_attributes,
                                                 .children = property_children};
static const struct vmf_rule_attribute icon_attributes[] = {{"fileRef", VMF_RULE_WORD, NEEDED},
                                                            {0}};
static const struct vmf_rule_element icon = {.attributes = icon_attributes};
static const struct vmf_rule_child product_children[] = {INFO,
                                                         {"Product", 1, 1, OPTIONAL, NULL, 0},
                                                         {"Vendor", 2, 1, OPTIONAL, NULL, 0},
                                                         {"Version", 3, 1, OPTIONAL, NULL, 0},
                                                         {"FullVersion", 4, 1, OPTIONAL, NULL, 0},
                                                         {"ProductUrl", 5, 1, OPTIONAL, NULL, 0},
                                                         {"VendorUrl", 6, 1, OPTIONAL, NULL, 0},
                                                         {"AppUrl", 7, 1, OPTIONAL, NULL, 0},
                                                         {"Icon", 8, 0, OPTIONAL, &icon, 0},
                                                         {"Category", 9, 0, OPTIONAL, NULL, 0},
                                                         {"Property", 9, 0, OPTIONAL, &property, 0},
                                                         {0}};
static const struct vmf_rule_element product = {.children = product_children};

static const struct vmf_rule_child eula_children[] = {
    INFO, {"License", 1, 1, NEEDED, NULL, 0}, {0}};
static const struct vmf_rule_element eula = {.children = eula_children};

static const struct vmf_rule_child annotation_children[] = {
    INFO, {"Annotation", 1, 1, NEEDED, NULL, 0}, {0}};
static const struct vmf_rule_element annotation = {.children = annotation_children};

static const struct vmf_rule_attribute startup_attributes[] = {
    {"id", VMF_RULE_WORD, NEEDED},
    {"order", VMF_RULE_SHORT, NEEDED},
    {"startDelay", VMF_RULE_SHORT, OPTIONAL},
    {"stopDelay", VMF_RULE_SHORT, OPTIONAL},
    {"waitingForGuest", VMF_RULE_BOOLEAN, OPTIONAL},
    {0}};
static const struct vmf_rule_element startup_item = {.attributes = startup_attributes};
static const struct vmf_rule_child startup_children[] = {
    INFO, {"Item", 1, 0, OPTIONAL, &startup_item, 0}, {0}};
static const struct vmf_rule_element startup = {.children = startup_children};

/* ---- all sections ---- */

#define ENVELOPE VMF_RULE_IN_ENVELOPE
#define SYSTEM VMF_RULE_IN_SYSTEM
#define COLLECTION VMF_RULE_IN_COLLECTION

static const struct vmf_rule_section sections[] = {
    {"AnnotationSection", &annotation, SYSTEM | COLLECTION, VMF_RULE_ALL, false, true},
    {"BootDeviceSection", &just_info, SYSTEM | COLLECTION, VMF_RULE_2, false, false},
    {"DeploymentOptionSection", &deployment, ENVELOPE, VMF_RULE_ALL, true, false},
    {"DiskSection", &disk_section, ENVELOPE, VMF_RULE_ALL, true, false},
    {"EncryptionSection", NULL, ENVELOPE, VMF_RULE_2, false, false},
    {"EnvironmentFilesSection", &environment, SYSTEM, VMF_RULE_2, false, false},
    {"EulaSection", &eula, SYSTEM | COLLECTION, VMF_RULE_ALL, false, true},
    {"InstallSection", &install, SYSTEM, VMF_RULE_ALL, true, true},
    {"NetworkSection", &network_section, ENVELOPE, VMF_RULE_ALL, true, false},
    {"OperatingSystemSection", &os, SYSTEM, VMF_RULE_ALL, true, false},
    {"PlacementGroupSection", &placement_group, ENVELOPE, VMF_RULE_2, false, false},
    {"PlacementSection", &placement, SYSTEM | COLLECTION, VMF_RULE_2, false, false},
    {"ProductSection", &product, SYSTEM | COLLECTION, VMF_RULE_ALL, false, true},
    {"ResourceAllocationSection", &allocation, COLLECTION, VMF_RULE_ALL, true, false},
    {"ScaleOutSection", &scale_out, COLLECTION, VMF_RULE_2, false, false},
    {"SharedDiskSection", &shared_disk_section, ENVELOPE, VMF_RULE_2, true, false},
    {"StartupSection", &startup, COLLECTION, VMF_RULE_ALL, true, true},
    {"VirtualHardwareSection", &hardware, SYSTEM, VMF_RULE_ALL, false, false},
};

const struct vmf_rule_section *vmf_rule_section(const char *name)
{
  for (size_t i = 0; i < COUNT(sections); i++)
    if (strcmp(sections[i].name, name) == 0)
      return &sections[i];
  return NULL;
}

/* ---- the tree above the sections ---- */

static const struct vmf_rule_attribute content_attributes[] = {{"id", VMF_RULE_WORD, NEEDED}, {0}};
static const struct vmf_rule_child content_children[] = {
    INFO, {"Name", 1, 1, OPTIONAL, NULL, 0}, {0}};
const struct vmf_rule_element vmf_rule_system = {.attributes = content_attributes,
                                                 .children = content_children,
                                                 .place = SYSTEM,
                                                 .section_rank = 2};
const struct vmf_rule_element vmf_rule_collection = {.attributes = content_attributes,
                                                     .children = content_children,
                                                     .place = COLLECTION,
                                                     .section_rank = 2,
                                                     .content_rank = 3};

static const struct vmf_rule_child envelope_children[] = {
    {"References", 0, 1, NEEDED, &references, 0}, {"Strings", 3, 0, OPTIONAL, &strings, 0}, {0}};
const struct vmf_rule_element vmf_rule_envelope = {.children = envelope_children,
                                                   .place = ENVELOPE,
                                                   .section_rank = 1,
                                                   .content_rank = 2,
                                                   .one_content = true};
