/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "environment.h"

#include <string.h>
#include <strings.h>

#include "list.h"
#include "markup.h"
#include "memory.h"
#include "name_list.h"
#include "property.h"
#include "reader.h"

struct environment {
  const struct vmf_ovf *ovf;
  struct vmf_ovf_index around; /* values are struct vmf_ovf_property */
  struct vmf_markup markup;
  struct vmf_error *error;
};

bool vmf_ovf_transport(const struct vmf_ovf_system *system, const char *name)
{
  const char *at = system->transport ? system->transport : "";

  for (size_t length; *at; at += length) {
    at += strspn(at, " ,\t\r\n");
    length = strcspn(at, " ,\t\r\n");
    if (length == strlen(name) && strncasecmp(at, name, length) == 0)
      return true;
  }
  return false;
}

static bool is_top(const struct vmf_ovf *ovf, size_t system)
{
  return ovf->systems[system].parent == system;
}

static enum vmf_code check_length(const struct environment *environment, size_t more)
{
  if (environment->markup.length + more <= VMF_ENVIRONMENT_BYTES)
    return VMF_OK;
  return vmf_fail(environment->error, VMF_LIMIT,
                  "%s: the OVF environment would have more than %d bytes", environment->ovf->name,
                  VMF_ENVIRONMENT_BYTES);
}

/* ---- values ---- */

/* The properties of the collections around a system by key, the innermost first: what macros name.
 */
static enum vmf_code index_around(struct environment *environment, size_t system)
{
  const struct vmf_ovf *ovf = environment->ovf;
  struct vmf_ovf_reader reader = {.error = environment->error};

  while (!is_top(ovf, system)) {
    system = ovf->systems[system].parent;
    const struct vmf_ovf_system *around = &ovf->systems[system];
    for (size_t i = 0; i < around->product_count; i++)
      for (size_t j = 0; j < around->products[i].property_count; j++)
        if (around->products[i].properties[j].key)
          VMF_TRY(vmf_ovf_index_add(&reader, &environment->around,
                                    around->products[i].properties[j].key,
                                    &around->products[i].properties[j]));
  }
  vmf_ovf_index_sort(&environment->around);
  return VMF_OK;
}

struct value {
  char *text; /* owned */
  size_t length, room;
};

static enum vmf_code put(const struct environment *environment, struct value *value,
                         const char *text, size_t length)
{
  VMF_TRY(check_length(environment, value->length + length));
  while (value->room - value->length <= length)
    VMF_TRY(vmf_list_grow(&value->text, 1, &value->room, "bytes of a value", environment->error));
  memcpy(value->text + value->length, text, length);
  value->text[value->length += length] = '\0';
  return VMF_OK;
}

/* What stands for "${host}" at `macro`, `length` bytes with its brackets. */
static enum vmf_code put_macro(const struct environment *environment, struct value *value,
                               const char *macro, size_t length)
{
  VMF_AUTO_FREE char *name = NULL;

  VMF_TRY(vmf_copy_bytes(macro + 2, length - 3, &name, environment->error));
  const struct vmf_ovf_property *found = vmf_ovf_index_find(&environment->around, name);
  if (!found)
    return put(environment, value, macro, length);
  return found->value ? put(environment, value, found->value, strlen(found->value)) : VMF_OK;
}

/* A value of the descriptor may refer to the properties of the collections around it (DSP0243,
 * 9.5); what names none of them stays, and so does what a person has chosen. */
static enum vmf_code expand(const struct environment *environment,
                            const struct vmf_ovf_property *property, struct value *value)
{
  const char *at = property->value ? property->value : "";
  const char *macro = property->literal ? NULL : strstr(at, "${");

  for (const char *end; macro && (end = strchr(macro, '}')) != NULL; macro = strstr(at, "${")) {
    VMF_TRY(put(environment, value, at, (size_t)(macro - at)));
    VMF_TRY(put_macro(environment, value, macro, (size_t)(end + 1 - macro)));
    at = end + 1;
  }
  return put(environment, value, at, strlen(at));
}

/* ---- sections ---- */

static enum vmf_code write_property(struct environment *environment, const char *id,
                                    const struct vmf_ovf_property *property)
{
  struct value value = {0};
  enum vmf_code code = expand(environment, property, &value);

  if (code == VMF_OK)
    code = check_length(environment, strlen(id) + value.length);
  if (code == VMF_OK) {
    vmf_markup_start(&environment->markup, "Property");
    vmf_markup_attribute(&environment->markup, "oe:key", "%s", id);
    vmf_markup_attribute(&environment->markup, "oe:value", "%s", value.text);
    vmf_markup_end(&environment->markup);
  }
  vmf_free(value.text);
  return code;
}

/* hidden: ids that are not told again, and told: where these are noted; or NULL. */
static enum vmf_code write_properties(struct environment *environment,
                                      const struct vmf_ovf_system *system,
                                      const struct vmf_names *hidden, struct vmf_names *told)
{
  for (size_t i = 0; i < system->product_count; i++)
    for (size_t j = 0; j < system->products[i].property_count; j++) {
      const struct vmf_ovf_property *property = &system->products[i].properties[j];
      VMF_AUTO_FREE char *id = NULL;

      if (!property->key)
        continue;
      VMF_TRY(vmf_ovf_property_id(&system->products[i], property, &id, environment->error));
      if (hidden && vmf_names_find(hidden, id))
        continue;
      if (told)
        VMF_TRY(vmf_names_add(told, id, 0, environment->error));
      VMF_TRY(write_property(environment, id, property));
    }
  return VMF_OK;
}

/* Those of the system hide those of the collection around it that have the same id. */
static enum vmf_code write_section(struct environment *environment, size_t system)
{
  const struct vmf_ovf *ovf = environment->ovf;
  struct vmf_names own = {0};

  vmf_markup_open(&environment->markup, "PropertySection");
  enum vmf_code code = write_properties(environment, &ovf->systems[system], NULL, &own);
  vmf_names_sort(&own);
  if (code == VMF_OK && !is_top(ovf, system))
    code = write_properties(environment, &ovf->systems[ovf->systems[system].parent], &own, NULL);
  vmf_markup_leave(&environment->markup, "PropertySection");
  vmf_names_clear(&own);
  return code;
}

static bool is_sibling(const struct vmf_ovf *ovf, size_t system, size_t other)
{
  return other != system && !is_top(ovf, system) && !is_top(ovf, other) && ovf->systems[other].id &&
         ovf->systems[other].parent == ovf->systems[system].parent;
}

static enum vmf_code write_entities(struct environment *environment, size_t system)
{
  const struct vmf_ovf *ovf = environment->ovf;

  for (size_t i = 0; i < ovf->system_count; i++) {
    if (!is_sibling(ovf, system, i))
      continue;
    VMF_TRY(check_length(environment, strlen(ovf->systems[i].id)));
    vmf_markup_start(&environment->markup, "Entity");
    vmf_markup_attribute(&environment->markup, "oe:id", "%s", ovf->systems[i].id);
    vmf_markup_enter(&environment->markup);
    VMF_TRY(write_section(environment, i));
    vmf_markup_leave(&environment->markup, "Entity");
  }
  return VMF_OK;
}

static enum vmf_code write_all(struct environment *environment, size_t system, const char *locale)
{
  struct vmf_markup *markup = &environment->markup;
  const char *id = environment->ovf->systems[system].id;

  vmf_markup_start(markup, "Environment");
  vmf_markup_attribute(markup, "xmlns", "%s", "http://schemas.dmtf.org/ovf/environment/1");
  vmf_markup_attribute(markup, "xmlns:oe", "%s", "http://schemas.dmtf.org/ovf/environment/1");
  vmf_markup_attribute(markup, "oe:id", "%s", id ? id : "");
  vmf_markup_enter(markup);
  if (locale) {
    vmf_markup_open(markup, "PlatformSection");
    vmf_markup_leaf(markup, "Locale", "%s", locale);
    vmf_markup_leave(markup, "PlatformSection");
  }
  VMF_TRY(write_section(environment, system));
  VMF_TRY(write_entities(environment, system));
  vmf_markup_leave(markup, "Environment");
  return VMF_OK;
}

static bool has_properties(const struct vmf_ovf_system *system)
{
  for (size_t i = 0; i < system->product_count; i++)
    if (system->products[i].property_count > 0)
      return true;
  return false;
}

static bool is_worth_it(const struct vmf_ovf *ovf, size_t system)
{
  const struct vmf_ovf_system *self = &ovf->systems[system];
  bool worth = has_properties(self) || has_properties(&ovf->systems[self->parent]);

  for (size_t i = 0; i < ovf->system_count && !worth; i++)
    worth = is_sibling(ovf, system, i);
  return worth;
}

enum vmf_code vmf_ovf_environment(const struct vmf_ovf *ovf, size_t system, const char *locale,
                                  char **text, struct vmf_error *error)
{
  struct environment environment = {.ovf = ovf, .error = error};

  *text = NULL;
  if (!is_worth_it(ovf, system))
    return VMF_OK;
  enum vmf_code code = index_around(&environment, system);
  if (code == VMF_OK)
    code = write_all(&environment, system, locale);
  if (code == VMF_OK)
    code = vmf_markup_take(&environment.markup, text, error);
  vmf_markup_clear(&environment.markup);
  vmf_ovf_index_clear(&environment.around);
  return code;
}
