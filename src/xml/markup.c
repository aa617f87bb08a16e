/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writes XML as text. */
#include "markup.h"

#include <stdio.h>
#include <string.h>

#include "entity.h"
#include "list.h"
#include "memory.h"

static bool markup_room(struct vmf_markup *markup, size_t more)
{
  while (!markup->failed && markup->capacity - markup->length <= more)
    markup->failed =
        vmf_list_grow(&markup->text, 1, &markup->capacity, "bytes of XML", NULL) != VMF_OK;
  return !markup->failed;
}

static void markup_put(struct vmf_markup *markup, const char *text)
{
  size_t length = strlen(text);

  if (!markup_room(markup, length))
    return;
  memcpy(markup->text + markup->length, text, length + 1);
  markup->length += length;
}

/* What XML cannot hold is a question mark: control characters, and two code points that are none.
 */
static void markup_clean(char *text)
{
  for (; *text; text++) {
    bool control = (unsigned char)*text < ' ' && !strchr("\t\n\r", *text);
    bool none = strncmp(text, "\xef\xbf", 2) == 0 && (text[2] & '\xfe') == '\xbe';
    if (control || none)
      *text = '?';
    if (none)
      text[1] = text[2] = '?';
  }
}

static void markup_escape(struct vmf_markup *markup, const char *text, bool attribute)
{
  for (; *text; text++) {
    const char *entity = vmf_xml_entity(*text, attribute ? '"' : 0);

    markup_put(markup, entity ? entity : (const char[]){*text, 0});
  }
}

static void __attribute__((format(printf, 3, 0)))
markup_value(struct vmf_markup *markup, bool attribute, const char *format, va_list values)
{
  char *text = NULL;

  if (vasprintf(&text, format, values) < 0) {
    markup->failed = true;
    return;
  }
  markup_clean(text);
  markup_escape(markup, text, attribute);
  vmf_free(text);
}

static void markup_indent(struct vmf_markup *markup)
{
  for (unsigned i = 0; i < markup->depth; i++)
    markup_put(markup, "  ");
}

void vmf_markup_start(struct vmf_markup *markup, const char *name)
{
  if (markup->length == 0 && !markup->fragment)
    markup_put(markup, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  markup_indent(markup);
  markup_put(markup, "<");
  markup_put(markup, name);
}

void vmf_markup_attribute(struct vmf_markup *markup, const char *name, const char *format, ...)
{
  va_list values;

  markup_put(markup, " ");
  markup_put(markup, name);
  markup_put(markup, "=\"");
  va_start(values, format);
  markup_value(markup, true, format, values);
  va_end(values);
  markup_put(markup, "\"");
}

void vmf_markup_enter(struct vmf_markup *markup)
{
  markup_put(markup, ">\n");
  markup->depth++;
}

void vmf_markup_end(struct vmf_markup *markup)
{
  markup_put(markup, "/>\n");
}

void vmf_markup_leave(struct vmf_markup *markup, const char *name)
{
  markup->depth--;
  markup_indent(markup);
  markup_put(markup, "</");
  markup_put(markup, name);
  markup_put(markup, ">\n");
}

void vmf_markup_open(struct vmf_markup *markup, const char *name)
{
  vmf_markup_start(markup, name);
  vmf_markup_enter(markup);
}

static void __attribute__((format(printf, 3, 0)))
markup_content(struct vmf_markup *markup, const char *name, const char *format, va_list values)
{
  markup_put(markup, ">");
  markup_value(markup, false, format, values);
  markup_put(markup, "</");
  markup_put(markup, name);
  markup_put(markup, ">\n");
}

void vmf_markup_content(struct vmf_markup *markup, const char *name, const char *format, ...)
{
  va_list values;

  va_start(values, format);
  markup_content(markup, name, format, values);
  va_end(values);
}

void vmf_markup_leaf(struct vmf_markup *markup, const char *name, const char *format, ...)
{
  va_list values;

  vmf_markup_start(markup, name);
  va_start(values, format);
  markup_content(markup, name, format, values);
  va_end(values);
}

void vmf_markup_insert(struct vmf_markup *markup, const char *xml)
{
  markup_indent(markup);
  markup_put(markup, xml);
  markup_put(markup, "\n");
}

enum vmf_code vmf_markup_take(struct vmf_markup *markup, char **text, struct vmf_error *error)
{
  *text = NULL;
  if (markup->failed || !markup->text)
    return vmf_fail(error, VMF_NOMEM, "no memory for a descriptor");
  *text = markup->text;
  *markup = (struct vmf_markup){0};
  return VMF_OK;
}

void vmf_markup_clear(struct vmf_markup *markup)
{
  vmf_free(markup->text);
  *markup = (struct vmf_markup){0};
}
