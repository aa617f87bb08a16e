/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "choice.h"

#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "memory.h"
#include "property.h"
#include "utf8.h"

enum { LIST = 480 /* bytes of a list in a message */ };

/* "small, large" grows by one; what does not fit becomes "...". */
static void append(char list[LIST], const char *name)
{
  size_t used = strlen(list), room = LIST - used;
  int length = snprintf(list + used, room, "%s%.80s", used > 0 ? ", " : "", name);

  if (length < 0 || (size_t)length >= room - sizeof ", ...")
    snprintf(list + used, room, "%s", used > 0 && room > sizeof ", ..." ? ", ..." : "");
}

/* ---- the deployment option ---- */

enum vmf_code vmf_ovf_choose_option(struct vmf_ovf *ovf, const struct vmf_install_options *install,
                                    struct vmf_error *error)
{
  char list[LIST] = "";

  if (!install->deployment)
    return VMF_OK;
  for (size_t i = 0; i < ovf->configuration_count; i++) {
    const char *id = ovf->configurations[i].id ? ovf->configurations[i].id : "";
    if (strcmp(id, install->deployment) == 0) {
      ovf->chosen = id;
      return VMF_OK;
    }
    append(list, id);
  }
  return vmf_fail(error, VMF_USAGE, "%s: has no deployment option \"%.80s\"; there are: %s",
                  ovf->name, install->deployment, list[0] ? list : "none");
}

/* ---- the properties ---- */

struct choosing {
  struct vmf_ovf *ovf;
  const char *name; /* a key, or a full id */
  const char *value;
  struct vmf_error *error;
};

/* Where the first character is that XML cannot have (1.0, 2.2), or that is none; SIZE_MAX: all can
 * be there. */
static size_t find_odd(const char *text)
{
  size_t left = strlen(text), step;
  const char *at = text;

  for (uint32_t character; left > 0; at += step, left -= step) {
    step = vmf_utf8_get(at, left, &character);
    bool blank = character == '\t' || character == '\n' || character == '\r';
    if (step == 0 || (character < ' ' && !blank) || (character & 0xfffeu) == 0xfffe)
      return (size_t)(at - text);
  }
  return SIZE_MAX;
}

/* What it says already may be said again: by a list of all that the package has. */
static enum vmf_code set_value(const struct choosing *choosing, struct vmf_ovf_property *property)
{
  bool same = property->value && strcmp(property->value, choosing->value) == 0;

  if (property->chosen)
    return vmf_fail(choosing->error, VMF_USAGE, "property \"%.80s\" is given twice",
                    choosing->name);
  if (same && !property->user_configurable)
    return VMF_OK;
  if (!property->user_configurable)
    return vmf_fail(choosing->error, VMF_USAGE,
                    "%s: property \"%.80s\" is not for the one who installs to choose; \"edit\" "
                    "changes it in the package",
                    choosing->ovf->name, choosing->name);
  VMF_TRY(vmf_ovf_property_check(property, choosing->name, choosing->value, choosing->error));
  property->chosen = true;
  property->literal = !same;
  vmf_free(property->value);
  property->value = NULL;
  return vmf_copy_text(choosing->value, &property->value, choosing->error);
}

/* *found is raised by the properties of a system that have the name: by their full id, or by key,
 * where only one of a system may have it. */
static enum vmf_code choose_in(const struct choosing *choosing, struct vmf_ovf_system *system,
                               bool by_key, size_t *found)
{
  size_t here = 0;

  for (size_t i = 0; i < system->product_count; i++)
    for (size_t j = 0; j < system->products[i].property_count; j++) {
      struct vmf_ovf_property *property = &system->products[i].properties[j];
      VMF_AUTO_FREE char *id = NULL;

      if (!property->key)
        continue;
      if (!by_key)
        VMF_TRY(vmf_ovf_property_id(&system->products[i], property, &id, choosing->error));
      if (strcmp(by_key ? property->key : id, choosing->name) != 0)
        continue;
      if (by_key && here++ > 0)
        return vmf_fail(choosing->error, VMF_USAGE,
                        "%s: several properties have the key \"%.80s\": name one by its class and "
                        "instance, CLASS.KEY.INSTANCE",
                        choosing->ovf->name, choosing->name);
      VMF_TRY(set_value(choosing, property));
      (*found)++;
    }
  return VMF_OK;
}

static enum vmf_code refuse_unknown(const struct choosing *choosing)
{
  const struct vmf_ovf *ovf = choosing->ovf;
  char list[LIST] = "";

  for (size_t i = 0; i < ovf->system_count; i++)
    for (size_t j = 0; j < ovf->systems[i].product_count; j++)
      for (size_t k = 0; k < ovf->systems[i].products[j].property_count; k++) {
        const struct vmf_ovf_product *product = &ovf->systems[i].products[j];
        VMF_AUTO_FREE char *id = NULL;

        VMF_TRY(vmf_ovf_property_id(product, &product->properties[k], &id, choosing->error));
        if (product->properties[k].user_configurable)
          append(list, id);
      }
  return vmf_fail(choosing->error, VMF_USAGE,
                  "%s: has no property \"%.80s\"; those that can be chosen are: %s", ovf->name,
                  choosing->name, list[0] ? list : "none");
}

static enum vmf_code choose_value(const struct choosing *choosing)
{
  size_t odd = find_odd(choosing->value), found = 0;

  if (odd != SIZE_MAX)
    return vmf_fail(choosing->error, VMF_USAGE,
                    "property \"%.80s\": byte %zu of the value belongs to no character that an OVF "
                    "environment can have; accepted is UTF-8 without control characters",
                    choosing->name, odd);
  for (unsigned by_key = 0; by_key < 2 && found == 0; by_key++)
    for (size_t i = 0; i < choosing->ovf->system_count; i++)
      VMF_TRY(choose_in(choosing, &choosing->ovf->systems[i], by_key == 1, &found));
  return found > 0 ? VMF_OK : refuse_unknown(choosing);
}

enum vmf_code vmf_ovf_choose_values(struct vmf_ovf *ovf, const struct vmf_install_options *install,
                                    struct vmf_error *error)
{
  if (install->property_count > 0)
    VMF_REQUIRE(install->properties, error);
  for (size_t i = 0; i < install->property_count; i++) {
    VMF_REQUIRE(install->properties[i].key, error);
    VMF_REQUIRE(install->properties[i].value, error);
    const struct choosing choosing = {.ovf = ovf,
                                      .name = install->properties[i].key,
                                      .value = install->properties[i].value,
                                      .error = error};
    VMF_TRY(choose_value(&choosing));
  }
  return VMF_OK;
}

/* Whoever installs it has to say it. */
static bool is_missing(const struct vmf_ovf_property *property)
{
  struct vmf_error refused;

  return property->user_configurable && property->key && (!property->value || !*property->value) &&
         vmf_ovf_property_check(property, property->key, "", &refused) != VMF_OK;
}

enum vmf_code vmf_ovf_values_missing(const struct vmf_ovf *ovf, size_t system,
                                     struct vmf_error *error)
{
  char list[LIST] = "";

  for (const struct vmf_ovf_system *at = &ovf->systems[system];; at = &ovf->systems[at->parent]) {
    for (size_t i = 0; i < at->product_count; i++)
      for (size_t j = 0; j < at->products[i].property_count; j++) {
        VMF_AUTO_FREE char *id = NULL;

        if (!is_missing(&at->products[i].properties[j]))
          continue;
        VMF_TRY(vmf_ovf_property_id(&at->products[i], &at->products[i].properties[j], &id, error));
        append(list, id);
      }
    if (at == &ovf->systems[at->parent])
      break;
  }
  return list[0] ? vmf_fail(error, VMF_USAGE,
                            "%s: these properties need a value (--property KEY=VALUE): %s",
                            ovf->name, list)
                 : VMF_OK;
}
