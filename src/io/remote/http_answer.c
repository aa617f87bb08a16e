/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "http_answer.h"

#include <string.h>
#include <strings.h>

/* "name:" at the start of the line; *value then is what follows. */
static bool is_field(const char *line, size_t length, const char *name, const char **value,
                     size_t *value_length)
{
  size_t name_length = strlen(name);

  if (length <= name_length || line[name_length] != ':' ||
      strncasecmp(line, name, name_length) != 0)
    return false;
  const char *start = line + name_length + 1, *end = line + length;
  while (start < end && (*start == ' ' || *start == '\t'))
    start++;
  while (end > start && strchr(" \t\r\n", end[-1]))
    end--;
  *value = start;
  *value_length = (size_t)(end - start);
  return true;
}

/* What has no room is not taken at all: half of a tag would be another one. */
static void keep(char *place, size_t room, const char *value, size_t length)
{
  place[0] = '\0';
  if (length >= room || memchr(value, '\0', length))
    return;
  memcpy(place, value, length);
  place[length] = '\0';
}

/* Decimal digits, at most 18. */
static bool take_number(const char **at, const char *end, uint64_t *number)
{
  const char *start = *at;

  *number = 0;
  while (*at < end && **at >= '0' && **at <= '9' && *at - start < 18)
    *number = *number * 10 + (uint64_t)(*(*at)++ - '0');
  return *at > start && (*at == end || **at < '0' || **at > '9');
}

static bool take(const char **at, const char *end, char wanted)
{
  if (*at == end || **at != wanted)
    return false;
  ++*at;
  return true;
}

/* "bytes 0-99/1000", "bytes 0-99/x" with a star for x, "bytes x/1000" likewise. */
static void take_range(struct vmf_http_answer *answer, const char *value, size_t length)
{
  const char *at = value + 5, *end = value + length;

  answer->has_range = answer->has_span = answer->has_total = false;
  if (length < 6 || strncasecmp(value, "bytes", 5) != 0 || *at != ' ')
    return;
  while (take(&at, end, ' '))
    ;
  if (!take(&at, end, '*')) {
    if (!take_number(&at, end, &answer->start) || !take(&at, end, '-') ||
        !take_number(&at, end, &answer->end) || answer->end < answer->start)
      return;
    answer->end++;
    answer->has_span = true;
  }
  if (!take(&at, end, '/'))
    return;
  if (!take(&at, end, '*')) {
    if (!take_number(&at, end, &answer->total))
      return;
    answer->has_total = true;
  }
  answer->has_range = at == end;
}

/* Of two that differ, who reads the answer takes one, and somebody else the other. */
static void take_range_once(struct vmf_http_answer *answer, const char *value, size_t length)
{
  const struct vmf_http_answer before = *answer;

  take_range(answer, value, length);
  answer->twofold |=
      before.has_range && (!answer->has_range || before.has_span != answer->has_span ||
                           before.start != answer->start || before.end != answer->end ||
                           before.has_total != answer->has_total || before.total != answer->total);
}

static void take_length_once(struct vmf_http_answer *answer, const char *value, size_t length)
{
  answer->twofold |= answer->length[0] && (strlen(answer->length) != length ||
                                           memcmp(answer->length, value, length) != 0);
  keep(answer->length, sizeof answer->length, value, length);
}

void vmf_http_line(struct vmf_http_answer *answer, const char *line, size_t length)
{
  const char *value;
  size_t value_length;

  if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
    *answer = (struct vmf_http_answer){.bytes = answer->bytes};
  answer->bytes += length;
  if (is_field(line, length, "Content-Range", &value, &value_length))
    take_range_once(answer, value, value_length);
  else if (is_field(line, length, "Content-Length", &value, &value_length))
    take_length_once(answer, value, value_length);
  else if (is_field(line, length, "ETag", &value, &value_length))
    keep(answer->etag, sizeof answer->etag, value, value_length);
  else if (is_field(line, length, "Last-Modified", &value, &value_length))
    keep(answer->modified, sizeof answer->modified, value, value_length);
  else if (is_field(line, length, "x-amz-bucket-region", &value, &value_length))
    keep(answer->region, sizeof answer->region, value, value_length);
  else if (is_field(line, length, "x-amz-server-side-encryption", &value, &value_length))
    keep(answer->encryption, sizeof answer->encryption, value, value_length);
  else if (is_field(line, length, "Date", &value, &value_length))
    keep(answer->date, sizeof answer->date, value, value_length);
  else if (is_field(line, length, "Content-Encoding", &value, &value_length))
    answer->encoded |=
        value_length > 0 && (value_length != 8 || strncasecmp(value, "identity", 8) != 0);
  else if (is_field(line, length, "Content-Type", &value, &value_length)) {
    const char *end = memchr(value, ';', value_length);
    keep(answer->type, sizeof answer->type, value, end ? (size_t)(end - value) : value_length);
  }
}

bool vmf_http_is_strong(const char *etag)
{
  size_t length = strlen(etag);

  return length >= 2 && etag[0] == '"' && etag[length - 1] == '"';
}
