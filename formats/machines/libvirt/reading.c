/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

const struct libvirt_word libvirt_switch[] = {
    {"yes", 1}, {"on", 1}, {"no", 0}, {"off", 0}, {NULL, 0}};

/* ---- looking ---- */

static bool is_own(const xmlNode *element, const char *name)
{
  return !element->ns && strcmp((const char *)element->name, name) == 0;
}

static xmlNode *own_from(xmlNode *element, const char *name)
{
  for (; element; element = element->next)
    if (is_own(element, name))
      return element;
  return NULL;
}

xmlNode *libvirt_child(const xmlNode *parent, const char *name)
{
  return parent ? own_from(parent->children, name) : NULL;
}

xmlNode *libvirt_next(const xmlNode *element)
{
  return own_from(element->next, (const char *)element->name);
}

/* ---- taking ---- */

static void set_bit(const struct libvirt_reading *reading, const xmlNode *element, unsigned bit)
{
  reading->taken[vmf_xml_index(element)] |= UINT64_C(1) << bit;
}

void libvirt_take(const struct libvirt_reading *reading, const xmlNode *element)
{
  if (element)
    set_bit(reading, element, LIBVIRT_ELEMENT_BIT);
}

/* The place of an attribute that has no prefix. */
static bool find_attribute(const xmlNode *element, const char *name,
                           struct vmf_xml_attribute *attribute, unsigned *place)
{
  *attribute = (struct vmf_xml_attribute){0};
  for (*place = 0; element && vmf_xml_attribute_next(element, attribute); ++*place)
    if (!attribute->prefix && vmf_xml_attribute_is(attribute, name))
      return true;
  return false;
}

enum vmf_code libvirt_peek(const struct libvirt_reading *reading, const xmlNode *element,
                           const char *name, struct vmf_told_text *told, struct vmf_error *error)
{
  VMF_AUTO_FREE char *value = NULL;
  struct vmf_xml_attribute attribute;
  unsigned place;

  *told = (struct vmf_told_text){0};
  if (!find_attribute(element, name, &attribute, &place))
    return VMF_OK;
  VMF_TRY(vmf_xml_attribute_value(element, &attribute, &value, error));
  return vmf_machine_text(reading->machine, value, vmf_xml_line(element), told, error);
}

void libvirt_mark(const struct libvirt_reading *reading, const xmlNode *element, const char *name)
{
  struct vmf_xml_attribute attribute;
  unsigned place;

  if (find_attribute(element, name, &attribute, &place) && place < LIBVIRT_ELEMENT_BIT)
    set_bit(reading, element, place);
}

enum vmf_code libvirt_take_attribute(const struct libvirt_reading *reading, const xmlNode *element,
                                     const char *name, struct vmf_told_text *told,
                                     struct vmf_error *error)
{
  libvirt_mark(reading, element, name);
  return libvirt_peek(reading, element, name, told, error);
}

enum vmf_code libvirt_peek_text(const struct libvirt_reading *reading, const xmlNode *element,
                                struct vmf_told_text *told, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;

  *told = (struct vmf_told_text){0};
  if (!element)
    return VMF_OK;
  VMF_TRY(vmf_xml_text(element, &text, error));
  return vmf_machine_text(reading->machine, text, vmf_xml_line(element), told, error);
}

enum vmf_code libvirt_take_text(const struct libvirt_reading *reading, const xmlNode *element,
                                struct vmf_told_text *told, struct vmf_error *error)
{
  libvirt_take(reading, element);
  return libvirt_peek_text(reading, element, told, error);
}

enum vmf_code libvirt_number(const struct libvirt_reading *reading,
                             const struct vmf_told_text *text, const char *what, uint64_t most,
                             struct vmf_told_number *number, struct vmf_error *error)
{
  const char *digits = text->text;
  bool hex = digits && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
  char *end = NULL;

  *number = (struct vmf_told_number){0};
  if (!digits)
    return VMF_OK;
  size_t length = strlen(digits);
  if (length > 0 && digits[0] != '-' && digits[0] != '+' && digits[0] != ' ') {
    uint64_t value = strtoull(digits, &end, hex ? 16 : 10);
    if (*end == '\0' && value <= most) {
      *number = vmf_told(value, text->line);
      return VMF_OK;
    }
  }
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: %s is \"%.40s\": accepted is a number from 0 to %llu",
                  reading->name, text->line, what, digits, (unsigned long long)most);
}

enum vmf_code libvirt_take_number(const struct libvirt_reading *reading, const xmlNode *element,
                                  const char *name, uint64_t most, struct vmf_told_number *number,
                                  struct vmf_error *error)
{
  struct vmf_told_text text;
  char what[80];

  VMF_TRY(libvirt_take_attribute(reading, element, name, &text, error));
  if (text.text)
    snprintf(what, sizeof what, "%s of <%s>", name, (const char *)element->name);
  return libvirt_number(reading, &text, what, most, number, error);
}

enum vmf_code libvirt_take_word(const struct libvirt_reading *reading, const xmlNode *element,
                                const char *name, const struct libvirt_word *words,
                                struct vmf_told_number *number, struct vmf_error *error)
{
  struct vmf_told_text text;

  VMF_TRY(libvirt_peek(reading, element, name, &text, error));
  const struct libvirt_word *word = text.text ? libvirt_word_find(words, text.text) : NULL;
  *number = (struct vmf_told_number){0};
  if (!word)
    return VMF_OK;
  libvirt_mark(reading, element, name);
  *number = vmf_told(word->value, text.line);
  return VMF_OK;
}

/* A word that is not the first of its meaning stays an extra, too, since that
 * one would be written for it. */
enum vmf_code libvirt_take_name(const struct libvirt_reading *reading, const xmlNode *element,
                                const char *name, const struct libvirt_name *names,
                                struct vmf_told_text *told, struct vmf_error *error)
{
  VMF_TRY(libvirt_peek(reading, element, name, told, error));
  if (!told->text)
    return VMF_OK;
  const char *neutral = libvirt_neutral(names, told->text);
  const char *written = libvirt_own(names, neutral ? neutral : told->text);
  if (!written || strcmp(written, told->text) == 0)
    libvirt_mark(reading, element, name);
  if (!neutral)
    return VMF_OK;
  return vmf_machine_text(reading->machine, neutral, told->line, told, error);
}

enum vmf_code libvirt_label(const struct libvirt_reading *reading, const xmlNode *element,
                            struct vmf_error *error, const char *format, ...)
{
  char label[64];
  va_list values;

  va_start(values, format);
  vsnprintf(label, sizeof label, format, values);
  va_end(values);
  return vmf_copy_text(label, &reading->labels[vmf_xml_index(element)], error);
}
