/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The objects of ova.xml, and their members. */
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "text.h"
#include "xapi.h"

static int compare(const void *a, const void *b)
{
  return strcmp(((const struct xapi_object *)a)->id, ((const struct xapi_object *)b)->id);
}

void xapi_objects_free(struct xapi_reading *reading)
{
  for (size_t i = 0; i < reading->count; i++) {
    vmf_free(reading->objects[i].class);
    vmf_free(reading->objects[i].id);
  }
  vmf_free(reading->objects);
}

static enum vmf_code add_object(struct xapi_reading *reading, const xmlNode *value,
                                struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(reading->objects, reading->count, reading->room, "objects", error));
  struct xapi_object *object = &reading->objects[reading->count++];
  *object = (struct xapi_object){.record = NULL};
  VMF_TRY(vmf_rpc_member_text(value, "class", &object->class, error));
  VMF_TRY(vmf_rpc_member_text(value, "id", &object->id, error));
  VMF_TRY(vmf_rpc_member(value, "snapshot", &object->record, error));
  if (object->class && object->id && object->record)
    return VMF_OK;
  reading->count--;
  vmf_free(object->class);
  vmf_free(object->id);
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: an object without its class, id or snapshot",
                  reading->file, vmf_xml_line(value));
}

enum vmf_code xapi_objects_read(struct xapi_reading *reading, struct vmf_error *error)
{
  const xmlNode *root = reading->xml->elements[0];
  xmlNode *array;

  VMF_TRY(vmf_rpc_member(root, "objects", &array, error));
  for (xmlNode *item = NULL; (item = vmf_rpc_next_item(array, item)) != NULL;)
    VMF_TRY(add_object(reading, item, error));
  if (reading->count > 0)
    qsort(reading->objects, reading->count, sizeof *reading->objects, compare);
  for (size_t i = 1; i < reading->count; i++)
    if (strcmp(reading->objects[i - 1].id, reading->objects[i].id) == 0)
      return vmf_fail(error, VMF_CORRUPT, "%s: two objects have the id \"%.64s\"", reading->file,
                      reading->objects[i].id);
  return VMF_OK;
}

struct xapi_object *xapi_object(const struct xapi_reading *reading, const char *class,
                                const char *id)
{
  const struct xapi_object key = {.id = (char *)(uintptr_t)id};
  struct xapi_object *found =
      id && reading->count > 0
          ? bsearch(&key, reading->objects, reading->count, sizeof key, compare)
          : NULL;

  return found && strcmp(found->class, class) == 0 ? found : NULL;
}

enum vmf_code xapi_referred(const struct xapi_reading *reading, const xmlNode *record,
                            const char *member, const char *class, struct xapi_object **object,
                            struct vmf_error *error)
{
  VMF_AUTO_FREE char *id = NULL;

  VMF_TRY(vmf_rpc_member_text(record, member, &id, error));
  *object = xapi_object(reading, class, id);
  return VMF_OK;
}

/* ---- members ---- */

enum vmf_code xapi_text(struct xapi_reading *reading, const xmlNode *record, const char *member,
                        struct vmf_told_text *told, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;
  xmlNode *value;

  VMF_TRY(vmf_rpc_member(record, member, &value, error));
  VMF_TRY(vmf_rpc_text(value, &text, error));
  if (!text || !text[0])
    return VMF_OK;
  return vmf_machine_text(reading->machine, text, vmf_xml_line(value), told, error);
}

enum vmf_code xapi_number(struct xapi_reading *reading, const xmlNode *record, const char *member,
                          uint64_t most, struct vmf_told_number *told, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;
  xmlNode *value;

  VMF_TRY(vmf_rpc_member(record, member, &value, error));
  VMF_TRY(vmf_rpc_text(value, &text, error));
  if (!text || !text[0])
    return VMF_OK;
  size_t length = strlen(text);
  uint64_t number =
      strspn(text, "0123456789") == length && length <= 19 ? strtoull(text, NULL, 10) : UINT64_MAX;
  if (number > most)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: %s is \"%.40s\", expected a decimal number up to %llu", reading->file,
                    vmf_xml_line(value), member, text, (unsigned long long)most);
  *told = vmf_told(number, vmf_xml_line(value));
  return VMF_OK;
}

enum vmf_code xapi_flag(const xmlNode *record, const char *member, bool *flag,
                        struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(vmf_rpc_member_text(record, member, &text, error));
  *flag = text && (strcmp(text, "1") == 0 || vmf_text_equal_nocase(text, "true"));
  return VMF_OK;
}

/* ---- what is kept ---- */

static const struct xapi_member *row_of(const struct xapi_member *table, const char *name)
{
  for (; table->name; table++)
    if (strcmp(table->name, name) == 0)
      return table;
  return NULL;
}

/* The text of a scalar, the XML of anything else; *kept NULL: it says nothing. */
static enum vmf_code value_text(const struct xapi_reading *reading, const xmlNode *value,
                                char **kept, struct vmf_error *error)
{
  static const char *const nothing[] = {"", "OpaqueRef:NULL"};
  VMF_AUTO_FREE char *text = NULL;

  *kept = NULL;
  VMF_TRY(vmf_rpc_text(value, &text, error));
  for (size_t i = 0; text && i < sizeof nothing / sizeof nothing[0]; i++)
    if (strcmp(text, nothing[i]) == 0)
      return VMF_OK;
  if (!value || (!text && !vmf_rpc_next_member(value, NULL) && !vmf_rpc_next_item(value, NULL)))
    return VMF_OK;
  if (text) {
    *kept = text;
    text = NULL;
    return VMF_OK;
  }
  const struct vmf_xml_span *span = &reading->xml->spans[vmf_xml_index(value)];
  return vmf_copy_bytes(reading->xml->text + span->tag_end, span->content_end - span->tag_end, kept,
                        error);
}

static enum vmf_code keep_member(struct xapi_reading *reading, const xmlNode *member,
                                 const char *prefix, const struct xapi_member *table,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *text = NULL, *key = NULL;

  VMF_TRY(vmf_rpc_name(member, &name, error));
  const struct xapi_member *row = row_of(table, name);
  if (row && !row->usual)
    return VMF_OK;
  VMF_TRY(value_text(reading, vmf_rpc_value(member), &text, error));
  if (row && (!text || strcmp(text, row->usual) == 0))
    return VMF_OK;
  VMF_TRY(vmf_format(&key, error, "%s.%s", prefix, name));
  return vmf_machine_add_extra(reading->machine, XAPI_NAME, key, text ? text : "",
                               vmf_xml_line(member), row != NULL, error);
}

enum vmf_code xapi_keep(struct xapi_reading *reading, const xmlNode *record, const char *prefix,
                        const struct xapi_member *table, struct vmf_error *error)
{
  for (xmlNode *member = NULL; (member = vmf_rpc_next_member(record, member)) != NULL;)
    VMF_TRY(keep_member(reading, member, prefix, table, error));
  return VMF_OK;
}
