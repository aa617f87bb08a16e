/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * As much of XML as property lists are made of. Entities stand in no name that is looked for and in
 * no base64, so that none is ever replaced; a document type with declarations of its own is
 * refused. */
#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "dmg.h"

enum { END = -1 };

void dmg_plist_begin(struct dmg_plist *plist, const struct vmf_image *image)
{
  const struct dmg_trailer *trailer = &((const struct dmg_state *)image->state)->trailer;

  *plist = (struct dmg_plist){
      .image = image, .at = trailer->plist, .end = trailer->plist + trailer->plist_length};
}

static enum vmf_code next(struct dmg_plist *plist, int *c, struct vmf_error *error)
{
  if (plist->used == plist->filled) {
    size_t length = (size_t)vmf_min(sizeof plist->buffer, plist->end - plist->at);
    *c = END;
    if (length == 0)
      return VMF_OK;
    VMF_TRY(vmf_io_pread(plist->image->io, plist->buffer, length, plist->at, error));
    plist->at += length;
    plist->used = 0;
    plist->filled = length;
  }
  *c = plist->buffer[plist->used++];
  return VMF_OK;
}

/* The place of the byte that was read last. */
static unsigned long long place(const struct dmg_plist *plist)
{
  return plist->at - (plist->filled - plist->used) - 1;
}

static enum vmf_code damaged(const struct dmg_plist *plist, const char *what,
                             struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: property list: %s at byte %llu", plist->image->io->name,
                  what, place(plist));
}

static bool is_space(int c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind the next `c`. */
static enum vmf_code skip_to(struct dmg_plist *plist, char wanted, struct vmf_error *error)
{
  int c;

  do {
    VMF_TRY(next(plist, &c, error));
    if (c == END)
      return damaged(plist, "it ends within a tag", error);
  } while (c != wanted);
  return VMF_OK;
}

/* A comment or the document type, behind "<!". */
static enum vmf_code skip_declaration(struct dmg_plist *plist, struct vmf_error *error)
{
  int c, before = 0, earlier = 0;

  VMF_TRY(next(plist, &c, error));
  if (c != '-') {
    for (; c != '>'; before = c) {
      VMF_TRY(next(plist, &c, error));
      if (c == '[')
        return vmf_fail(error, VMF_REFUSED,
                        "%s: property list: declarations within the document at byte %llu, which "
                        "no disk image needs",
                        plist->image->io->name, place(plist));
      if (c == END)
        return damaged(plist, "it ends within a declaration", error);
    }
    return VMF_OK;
  }
  VMF_TRY(next(plist, &c, error));
  for (c = 0; c != '>' || before != '-' || earlier != '-';) {
    earlier = before;
    before = c;
    VMF_TRY(next(plist, &c, error));
    if (c == END)
      return damaged(plist, "it ends within a comment", error);
  }
  return VMF_OK;
}

/* A word, up to what cannot belong to it; *c is that. What does not fit is left out: no word that
 * is looked for is as long. */
static enum vmf_code read_word(struct dmg_plist *plist, char word[DMG_PLIST_KEY], const char *ends,
                               int *c, struct vmf_error *error)
{
  size_t length = 0;

  for (; *c != END && !strchr(ends, *c); length++) {
    if (length < DMG_PLIST_KEY - 1)
      word[length] = (char)*c;
    VMF_TRY(next(plist, c, error));
  }
  word[length < DMG_PLIST_KEY - 1 ? length : DMG_PLIST_KEY - 1] = '\0';
  return VMF_OK;
}

/* To the '>' of a start tag; whether it is an end tag, too ("<array/>"). */
static enum vmf_code end_tag(struct dmg_plist *plist, int c, bool *empty, struct vmf_error *error)
{
  *empty = false;
  while (c != '>') {
    *empty = c == '/';
    if (c == '"' || c == '\'')
      VMF_TRY(skip_to(plist, (char)c, error));
    VMF_TRY(next(plist, &c, error));
    if (c == END)
      return damaged(plist, "it ends within a tag", error);
  }
  return VMF_OK;
}

static enum vmf_code open_element(struct dmg_plist *plist, int c, struct vmf_error *error)
{
  struct dmg_element *element = &plist->open[plist->depth];
  bool empty;

  if (plist->depth == DMG_PLIST_DEPTH)
    return vmf_fail(error, VMF_LIMIT, "%s: property list: more than %d elements within each other",
                    plist->image->io->name, DMG_PLIST_DEPTH);
  *element = (struct dmg_element){0};
  VMF_TRY(read_word(plist, element->name, "/> \t\r\n", &c, error));
  VMF_TRY(end_tag(plist, c, &empty, error));
  if (empty)
    return VMF_OK;
  plist->depth++;
  if (strcmp(element->name, "key") != 0 || plist->depth < 2)
    return VMF_OK;
  VMF_TRY(next(plist, &c, error));
  VMF_TRY(read_word(plist, element[-1].key, "<", &c, error));
  if (c != END)
    plist->used--;
  return VMF_OK;
}

static enum vmf_code close_element(struct dmg_plist *plist, struct vmf_error *error)
{
  char name[DMG_PLIST_KEY];
  int c;

  VMF_TRY(next(plist, &c, error));
  VMF_TRY(read_word(plist, name, "> \t\r\n", &c, error));
  if (c != '>')
    VMF_TRY(skip_to(plist, '>', error));
  if (plist->depth == 0 || strcmp(plist->open[plist->depth - 1].name, name) != 0)
    return damaged(plist, "an end tag that ends nothing", error);
  plist->depth--;
  return VMF_OK;
}

/* plist/dict, resource-fork/dict, blkx/array/dict, Data/data */
static bool is_table(const struct dmg_plist *plist)
{
  static const struct dmg_element path[] = {{"plist", ""},    {"dict", "resource-fork"},
                                            {"dict", "blkx"}, {"array", ""},
                                            {"dict", "Data"}, {"data", ""}};

  if (plist->depth != sizeof path / sizeof path[0])
    return false;
  for (size_t i = 0; i < plist->depth; i++)
    if (strcmp(plist->open[i].name, path[i].name) != 0 ||
        (path[i].key[0] && strcmp(plist->open[i].key, path[i].key) != 0))
      return false;
  return true;
}

enum vmf_code dmg_plist_next(struct dmg_plist *plist, bool *found, struct vmf_error *error)
{
  int c;

  for (*found = false; !*found;) {
    VMF_TRY(next(plist, &c, error));
    if (c == END)
      return plist->depth == 0 ? VMF_OK : damaged(plist, "it ends within an element", error);
    if (c != '<') {
      if (plist->depth == 0 && !is_space(c) && c != 0xef && c != 0xbb && c != 0xbf)
        return damaged(plist, "no XML text of UTF-8", error);
      continue;
    }
    VMF_TRY(next(plist, &c, error));
    if (c == '!')
      VMF_TRY(skip_declaration(plist, error));
    else if (c == '?')
      VMF_TRY(skip_to(plist, '>', error));
    else if (c == '/')
      VMF_TRY(close_element(plist, error));
    else {
      unsigned depth = plist->depth;
      VMF_TRY(open_element(plist, c, error));
      *found = plist->depth > depth && is_table(plist);
    }
  }
  plist->bits = plist->bit_count = 0;
  plist->in_data = true;
  return VMF_OK;
}

/* The value of a character of base64; -1: it is none. */
static int value_of(int c)
{
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c > 0 ? strchr(letters, c) : NULL;

  return at ? (int)(at - letters) : -1;
}

enum vmf_code dmg_plist_read(struct dmg_plist *plist, uint8_t *bytes, size_t length, size_t *got,
                             struct vmf_error *error)
{
  int c;

  for (*got = 0; *got < length && plist->in_data;) {
    VMF_TRY(next(plist, &c, error));
    if (is_space(c) || c == '=')
      continue;
    if (c == '<') {
      plist->used--;
      plist->in_data = false;
      continue;
    }
    if (value_of(c) < 0)
      return damaged(plist, c == END ? "it ends within data" : "what is no base64", error);
    plist->bits = plist->bits << 6 | (uint32_t)value_of(c);
    plist->bit_count += 6;
    if (plist->bit_count >= 8) {
      plist->bit_count -= 8;
      bytes[(*got)++] = (uint8_t)(plist->bits >> plist->bit_count);
    }
  }
  return VMF_OK;
}
