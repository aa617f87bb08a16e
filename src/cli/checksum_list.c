/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "checksum_list.h"

#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "human.h"

static const char prefix[] = "blkhash-";

static const struct {
  const char *name;
  size_t digits;
} algorithms[] = {{"sha256", 64}, {"sha1", 40}, {"sha512", 128}};

void vmf_checksum_hex(const struct vmf_job_result *result, char out[2 * VMF_CHECKSUM_MAX + 1])
{
  out[0] = 0;
  for (size_t i = 0; i < result->checksum_length; i++)
    snprintf(out + 2 * i, 3, "%02x", result->checksum[i]);
}

/* ---- printing ---- */

static bool name_is_visible(const char *name)
{
  while (*name) {
    uint32_t point;
    unsigned length = vmf_character_decode(name, &point);

    if (length == 0 || !vmf_character_visible(point))
      return false;
    name += length;
  }
  return true;
}

static void print_escaped(FILE *out, const char *name)
{
  while (*name) {
    uint32_t point;
    unsigned length = vmf_character_decode(name, &point);
    char one[8] = {0};

    memcpy(one, name, length > 0 ? length : 1);
    if (*one == '\\')
      fputs("\\\\", out);
    else if (*one == '\n' || *one == '\r')
      fputs(*one == '\n' ? "\\n" : "\\r", out);
    else
      vmf_human_text(out, one);
    name += strlen(one);
  }
}

void vmf_checksum_print(FILE *out, const struct vmf_job_result *result, const char *algorithm,
                        bool plain, const char *name)
{
  char hex[2 * VMF_CHECKSUM_MAX + 1];
  bool visible = name_is_visible(name);

  vmf_checksum_hex(result, hex);
  if (!visible)
    fputc('\\', out);
  if (!plain)
    fprintf(out, "%s%s:", prefix, algorithm);
  fprintf(out, "%s  ", hex);
  if (visible)
    fputs(name, out);
  else
    print_escaped(out, name);
  fputc('\n', out);
}

/* ---- parsing ---- */

/* The character that an escape stands for, at most four bytes to `out`; NULL: there is no such
 * escape. Returns what stands behind it. */
static const char *unescape_one(const char *in, char **out)
{
  char *end;
  unsigned long point;

  if (*in == '\\' || *in == 'n' || *in == 'r') {
    *(*out)++ = *in == 'n' ? '\n' : *in == 'r' ? '\r' : '\\';
    return in + 1;
  }
  if (*in == 'x' && strspn(in + 1, "0123456789abcdef") >= 2) {
    char digits[3] = {in[1], in[2], 0};

    *(*out)++ = (char)strtoul(digits, NULL, 16);
    return in + 3;
  }
  if (in[0] != 'u' || in[1] != '{')
    return NULL;
  point = strtoul(in + 2, &end, 16);
  if (*end != '}' || point < 0x80 || point > 0x10ffff)
    return NULL;
  if (point >= 0x10000)
    *(*out)++ = (char)(0xf0 | point >> 18);
  if (point >= 0x800)
    *(*out)++ = (char)(point >= 0x10000 ? 0x80 | (point >> 12 & 0x3f) : 0xe0 | point >> 12);
  *(*out)++ = (char)(point >= 0x800 ? 0x80 | (point >> 6 & 0x3f) : 0xc0 | point >> 6);
  *(*out)++ = (char)(0x80 | (point & 0x3f));
  return end + 1;
}

static bool unescape(char *name)
{
  char *out = name;

  for (const char *in = name; *in;) {
    if (*in != '\\') {
      *out++ = *in++;
      continue;
    }
    in = unescape_one(in + 1, &out);
    if (!in)
      return false;
  }
  *out = 0;
  return true;
}

const char *vmf_checksum_named(const char *text, const char **hex)
{
  const char *name = text + sizeof prefix - 1, *colon = strchr(text, ':');

  if (!colon || strncmp(text, prefix, sizeof prefix - 1) != 0)
    return NULL;
  *hex = colon + 1;
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
    if (strncmp(algorithms[i].name, name, (size_t)(colon - name)) == 0 &&
        !algorithms[i].name[colon - name] && strlen(*hex) == algorithms[i].digits &&
        strspn(*hex, "0123456789abcdefABCDEF") == algorithms[i].digits)
      return algorithms[i].name;
  return NULL;
}

bool vmf_checksum_parse(char *line, struct vmf_checksum_line *parsed)
{
  bool escaped = *line == '\\';
  const char *algorithm = NULL;
  size_t digits;
  char *hex = line + escaped, *name;

  parsed->plain = strncmp(hex, prefix, sizeof prefix - 1) != 0;
  if (!parsed->plain) {
    algorithm = hex + sizeof prefix - 1;
    hex = strchr(hex, ':');
    if (!hex)
      return false;
    *hex++ = 0;
  }
  digits = strspn(hex, "0123456789abcdefABCDEF");
  if (hex[digits] != ' ' || (hex[digits + 1] != ' ' && hex[digits + 1] != '*'))
    return false;
  name = hex + digits + 2;
  hex[digits] = 0;
  parsed->hex = hex;
  parsed->name = name;
  parsed->algorithm = NULL;
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
    if (digits == algorithms[i].digits &&
        (!algorithm || strcmp(algorithm, algorithms[i].name) == 0))
      parsed->algorithm = algorithms[i].name;
  return parsed->algorithm && *name && (!escaped || unescape(name));
}
