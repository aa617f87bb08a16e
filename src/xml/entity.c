/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "entity.h"

#include <stddef.h>

/* A carriage return would be read as a line feed, white space in an attribute as a blank. */
const char *vmf_xml_entity(char c, char quote)
{
  switch (c) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '\r':
    return "&#13;";
  case '\n':
    return quote ? "&#10;" : NULL;
  case '\t':
    return quote ? "&#9;" : NULL;
  case '"':
    return quote == '"' ? "&quot;" : NULL;
  case '\'':
    return quote == '\'' ? "&apos;" : NULL;
  default:
    return NULL;
  }
}
