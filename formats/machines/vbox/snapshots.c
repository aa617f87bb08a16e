/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <Snapshot>: a tree, each with the hardware as it was then. The one that is asked for is read in
 * place of the machine's; of the others it is told that they exist. */
#include <stdio.h>
#include <string.h>

#include "guid.h"
#include "memory.h"
#include "text.h"
#include "vbox.h"

/* ---- time ---- */

/* Two digits, or four. */
static bool take_digits(const char **at, int digits, unsigned *number)
{
  *number = 0;
  for (int i = 0; i < digits; i++, ++*at) {
    if (**at < '0' || **at > '9')
      return false;
    *number = *number * 10 + (unsigned)(**at - '0');
  }
  return true;
}

/* Days from 1970-01-01 on; years from 1970 to 9999. */
static uint64_t days_of(unsigned year, unsigned month, unsigned day)
{
  static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  unsigned past = year - (month <= 2); /* the last year whose leap day is over, if it has one */
  uint64_t leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);

  return (uint64_t)(year - 1970) * 365 + leaps + before[month - 1] + day - 1;
}

/* "2025-12-19T17:01:46Z" */
static bool parse_time(const char *text, uint64_t *seconds)
{
  unsigned parts[6];
  static const struct {
    int digits;
    char behind;
  } forms[] = {{4, '-'}, {2, '-'}, {2, 'T'}, {2, ':'}, {2, ':'}, {2, 'Z'}};

  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (!take_digits(&text, forms[i].digits, &parts[i]) || *text++ != forms[i].behind)
      return false;
  if (*text || parts[0] < 1970 || parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > 31 ||
      parts[3] > 23 || parts[4] > 59 || parts[5] > 60)
    return false;
  *seconds =
      days_of(parts[0], parts[1], parts[2]) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5];
  return true;
}

/* ---- the list ---- */

/* "{6BA7...}" to "6ba7...". */
static enum vmf_code read_id(const struct vmf_taking *taking, const xmlNode *element,
                             const char *name, struct vmf_told_text *told, struct vmf_error *error)
{
  char text[VMF_GUID_TEXT];
  struct vmf_told_id id;

  VMF_TRY(vmf_vbox_uuid(taking, element, name, &id, error));
  vmf_guid_text(id.bytes, text);
  return vmf_machine_text(taking->machine, id.told ? text : NULL, id.line, told, error);
}

static enum vmf_code read_snapshot(const struct vmf_taking *taking, const xmlNode *element,
                                   const char *current, struct vmf_error *error)
{
  const xmlNode *around = element->parent->parent; /* <Snapshot><Snapshots><Snapshot> */
  struct vmf_machine_snapshot *snapshot;
  struct vmf_told_text time, state;
  uint64_t seconds;

  VMF_TRY(vmf_machine_add_snapshot(taking->machine, &snapshot, error));
  VMF_TRY(read_id(taking, element, "uuid", &snapshot->id, error));
  if (!snapshot->id.text)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: a <Snapshot> has no uuid", taking->name,
                    vmf_xml_line(element));
  if (vmf_vbox_is(around, "Snapshot"))
    VMF_TRY(read_id(taking, around, "uuid", &snapshot->parent, error));
  VMF_TRY(vmf_taking_attribute(taking, element, "name", &snapshot->name, error));
  VMF_TRY(vmf_taking_peek_text(taking, vmf_vbox_child(element, "Description"),
                               &snapshot->description, error));
  VMF_TRY(vmf_taking_peek(taking, element, "timeStamp", &time, error));
  if (time.text && parse_time(time.text, &seconds))
    snapshot->time = vmf_told(seconds, time.line);
  VMF_TRY(vmf_taking_peek(taking, element, "stateFile", &state, error));
  if (state.text)
    snapshot->has_memory = vmf_told(1, state.line);
  if (current && strcmp(current, snapshot->id.text) == 0)
    snapshot->current = vmf_told(1, vmf_xml_line(element));
  return VMF_OK;
}

/* ---- the one that is asked for ---- */

/* By its id, with or without braces and in any case, or its name. */
static bool is_called(const struct vmf_machine_snapshot *snapshot, const char *wanted)
{
  size_t length = strlen(wanted);
  char plain[VMF_GUID_TEXT];

  if (snapshot->name.text && strcmp(snapshot->name.text, wanted) == 0)
    return true;
  if (length == VMF_GUID_TEXT + 1 && wanted[0] == '{') {
    memcpy(plain, wanted + 1, VMF_GUID_TEXT - 1);
    plain[VMF_GUID_TEXT - 1] = '\0';
    wanted = plain;
  }
  return vmf_text_equal_nocase(snapshot->id.text, wanted);
}

static enum vmf_code find_wanted(const struct vbox_reader *reader, size_t *found,
                                 struct vmf_error *error)
{
  const struct vmf_machine *machine = reader->reading.taking.machine;
  const char *wanted = reader->source->snapshot;
  char names[256] = "";
  size_t count = 0;

  for (size_t i = 0; i < machine->snapshot_count; i++) {
    const struct vmf_machine_snapshot *snapshot = &machine->snapshots[i];
    if (is_called(snapshot, wanted) && count++ == 0)
      *found = i;
    else if (count > 1)
      return vmf_fail(
          error, VMF_USAGE, "%s: two snapshots are called \"%.60s\": choose by uuid, %s or %s",
          reader->source->name, wanted, machine->snapshots[*found].id.text, snapshot->id.text);
    if (strlen(names) < sizeof names - 1)
      snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.60s", names[0] ? ", " : "",
               snapshot->name.text ? snapshot->name.text : snapshot->id.text);
  }
  if (count == 1)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s: there is no snapshot \"%.60s\"; there are: %s",
                  reader->source->name, wanted, names[0] ? names : "none");
}

enum vmf_code vbox_read_snapshots(const struct vbox_reader *reader, const xmlNode *machine,
                                  const xmlNode **chosen, struct vmf_error *error)
{
  const struct vmf_taking *taking = &reader->reading.taking;
  const xmlNode *root = vmf_vbox_child(machine, "Snapshot");
  struct vmf_told_text current;
  size_t wanted = 0, seen = 0;

  *chosen = NULL;
  VMF_TRY(read_id(taking, machine, "currentSnapshot", &current, error));
  for (int pass = 0; pass < (reader->source->snapshot ? 2 : 1); pass++) {
    size_t first = root ? vmf_xml_index(root) : 0, end = root ? taking->xml->spans[first].end : 0;
    for (size_t i = first; i < taking->xml->count && taking->xml->spans[i].start < end; i++) {
      const xmlNode *element = taking->xml->elements[i];
      if (!vmf_vbox_is(element, "Snapshot"))
        continue;
      if (pass == 0)
        VMF_TRY(read_snapshot(taking, element, current.text, error));
      else if (seen++ == wanted)
        *chosen = element;
    }
    if (pass == 0 && reader->source->snapshot)
      VMF_TRY(find_wanted(reader, &wanted, error));
  }
  if (root)
    vmf_taking_known(taking, root);
  return VMF_OK;
}
