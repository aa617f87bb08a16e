/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "taking.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum vmf_code vmf_taking_begin(struct vmf_taking *taking, struct vmf_error *error)
{
  void *taken = NULL, *labels = NULL;

  VMF_TRY(vmf_alloc(taking->xml->count * sizeof *taking->taken, &taken, error));
  taking->taken = taken;
  VMF_TRY(vmf_alloc(taking->xml->count * sizeof *taking->labels, &labels, error));
  taking->labels = labels;
  return VMF_OK;
}

void vmf_taking_clear(struct vmf_taking *taking)
{
  for (size_t i = 0; taking->labels && i < taking->xml->count; i++)
    vmf_free(taking->labels[i]);
  vmf_free(taking->labels);
  vmf_free(taking->taken);
}

/* ---- taking ---- */

static void set_bit(const struct vmf_taking *taking, const xmlNode *element, unsigned bit)
{
  taking->taken[vmf_xml_index(element)] |= UINT64_C(1) << bit;
}

void vmf_taking_take(const struct vmf_taking *taking, const xmlNode *element)
{
  if (element)
    set_bit(taking, element, VMF_TAKING_ELEMENT);
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

enum vmf_code vmf_taking_peek(const struct vmf_taking *taking, const xmlNode *element,
                              const char *name, struct vmf_told_text *told, struct vmf_error *error)
{
  VMF_AUTO_FREE char *value = NULL;
  struct vmf_xml_attribute attribute;
  unsigned place;

  *told = (struct vmf_told_text){0};
  if (!find_attribute(element, name, &attribute, &place))
    return VMF_OK;
  VMF_TRY(vmf_xml_attribute_value(element, &attribute, &value, error));
  return vmf_machine_text(taking->machine, value, vmf_xml_line(element), told, error);
}

void vmf_taking_mark(const struct vmf_taking *taking, const xmlNode *element, const char *name)
{
  struct vmf_xml_attribute attribute;
  unsigned place;

  if (find_attribute(element, name, &attribute, &place) && place < VMF_TAKING_ELEMENT)
    set_bit(taking, element, place);
}

enum vmf_code vmf_taking_attribute(const struct vmf_taking *taking, const xmlNode *element,
                                   const char *name, struct vmf_told_text *told,
                                   struct vmf_error *error)
{
  vmf_taking_mark(taking, element, name);
  return vmf_taking_peek(taking, element, name, told, error);
}

enum vmf_code vmf_taking_peek_text(const struct vmf_taking *taking, const xmlNode *element,
                                   struct vmf_told_text *told, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;

  *told = (struct vmf_told_text){0};
  if (!element)
    return VMF_OK;
  VMF_TRY(vmf_xml_text(element, &text, error));
  return vmf_machine_text(taking->machine, text, vmf_xml_line(element), told, error);
}

enum vmf_code vmf_taking_text(const struct vmf_taking *taking, const xmlNode *element,
                              struct vmf_told_text *told, struct vmf_error *error)
{
  vmf_taking_take(taking, element);
  return vmf_taking_peek_text(taking, element, told, error);
}

enum vmf_code vmf_taking_parse(const struct vmf_taking *taking, const struct vmf_told_text *text,
                               const char *what, uint64_t most, struct vmf_told_number *number,
                               struct vmf_error *error)
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
                  taking->name, text->line, what, digits, (unsigned long long)most);
}

enum vmf_code vmf_taking_number(const struct vmf_taking *taking, const xmlNode *element,
                                const char *name, uint64_t most, struct vmf_told_number *number,
                                struct vmf_error *error)
{
  struct vmf_told_text text;
  char what[80];

  VMF_TRY(vmf_taking_attribute(taking, element, name, &text, error));
  if (text.text)
    snprintf(what, sizeof what, "%s of <%s>", name, (const char *)element->name);
  return vmf_taking_parse(taking, &text, what, most, number, error);
}

enum vmf_code vmf_taking_word(const struct vmf_taking *taking, const xmlNode *element,
                              const char *name, const struct vmf_vendor_word *words,
                              struct vmf_told_number *number, struct vmf_error *error)
{
  struct vmf_told_text text;

  VMF_TRY(vmf_taking_peek(taking, element, name, &text, error));
  const struct vmf_vendor_word *word = text.text ? vmf_vendor_word_find(words, text.text) : NULL;
  *number = (struct vmf_told_number){0};
  if (!word)
    return VMF_OK;
  vmf_taking_mark(taking, element, name);
  *number = vmf_told(word->value, text.line);
  return VMF_OK;
}

/* A word that is not the first of its meaning stays an extra, too, since that
 * one would be written for it. */
enum vmf_code vmf_taking_name(const struct vmf_taking *taking, const xmlNode *element,
                              const char *name, const struct vmf_vendor_name *names,
                              struct vmf_told_text *told, struct vmf_error *error)
{
  VMF_TRY(vmf_taking_peek(taking, element, name, told, error));
  if (!told->text)
    return VMF_OK;
  const char *neutral = vmf_vendor_neutral(names, told->text);
  const char *written = vmf_vendor_own(names, neutral ? neutral : told->text);
  if (!written || strcmp(written, told->text) == 0)
    vmf_taking_mark(taking, element, name);
  if (!neutral)
    return VMF_OK;
  return vmf_machine_text(taking->machine, neutral, told->line, told, error);
}

enum vmf_code vmf_taking_label(const struct vmf_taking *taking, const xmlNode *element,
                               struct vmf_error *error, const char *format, ...)
{
  char label[64];
  va_list values;

  va_start(values, format);
  vsnprintf(label, sizeof label, format, values);
  va_end(values);
  return vmf_copy_text(label, &taking->labels[vmf_xml_index(element)], error);
}

void vmf_taking_known(const struct vmf_taking *taking, const xmlNode *element)
{
  const struct vmf_vocabulary *vocabulary = taking->vocabulary;
  size_t first = vmf_xml_index(element), end = taking->xml->spans[first].end;

  for (size_t i = first; i < taking->xml->count && taking->xml->spans[i].start < end; i++) {
    const xmlNode *known = taking->xml->elements[i];
    struct vmf_xml_attribute attribute = {0};
    if (!vocabulary->knows_element(known) || vocabulary->is_secret_element(known))
      continue;
    set_bit(taking, known, VMF_TAKING_ELEMENT);
    for (unsigned place = 0; vmf_xml_attribute_next(known, &attribute); place++)
      if (place < VMF_TAKING_ELEMENT && vocabulary->knows_attribute(known, &attribute) &&
          !vocabulary->is_secret(known, &attribute))
        set_bit(taking, known, place);
  }
}
