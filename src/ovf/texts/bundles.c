/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Message bundles (DSP0243, Internationalization): the texts of a descriptor in other languages,
 * <Strings xml:lang="de"><Msg ovf:msgid="m">, or in a file of their own, <Strings xml:lang="de"
 * ovf:fileRef="f"/>. Without a language they are in the envelope's. */
#include <string.h>
#include <strings.h>

#include "extension.h"
#include "language.h"
#include "memory.h"
#include "reader.h"
#include "utf8.h"

enum {
  FILES = 64,            /* with texts, at most: each stays open */
  TEXT_BYTES = 64 << 20, /* of all texts that are messages: one may be named anywhere */
  FILE_BYTES = 4 << 20,  /* of one file */
};

struct bundle {
  const xmlNode *element;
  char *tag, *file_ref; /* owned; NULL: not said */
};

struct bundles {
  struct bundle *list;
  const char **tags; /* of each, and the envelope's last */
  size_t count;
  char *own; /* the envelope's language */
};

/* ---- what there is ---- */

/* "xml:lang" */
static enum vmf_code read_language(struct vmf_ovf_reader *reader, const xmlNode *element,
                                   char **tag)
{
  struct vmf_xml_attribute attribute = {0};

  while (vmf_xml_attribute_next(element, &attribute))
    if (attribute.prefix_length == 3 && memcmp(attribute.prefix, "xml", 3) == 0 &&
        vmf_xml_attribute_is(&attribute, "lang"))
      return vmf_xml_attribute_value(element, &attribute, tag, reader->error);
  return VMF_OK;
}

static enum vmf_code find_bundles(struct vmf_ovf_reader *reader, const xmlNode *root,
                                  struct bundles *bundles)
{
  void *memory;

  VMF_TRY(read_language(reader, root, &bundles->own));
  if (!bundles->own)
    VMF_TRY(vmf_copy_text("en-US", &bundles->own, reader->error)); /* the schema's default */
  for (xmlNode *node = vmf_reader_first(root); node; node = vmf_reader_next(node)) {
    void *slot = NULL;
    if (!vmf_extension_is_bundle(node))
      continue;
    VMF_TRY(
        vmf_reader_append(reader, &bundles->list, &bundles->count, sizeof *bundles->list, &slot));
    struct bundle *bundle = slot;
    bundle->element = node;
    VMF_TRY(read_language(reader, node, &bundle->tag));
    VMF_TRY(vmf_reader_attribute(reader, node, "fileRef", &bundle->file_ref));
  }
  VMF_TRY(vmf_alloc((bundles->count + 1) * sizeof(char *), &memory, reader->error));
  bundles->tags = memory;
  for (size_t i = 0; i < bundles->count; i++)
    bundles->tags[i] = bundles->list[i].tag;
  bundles->tags[bundles->count] = bundles->own;
  return VMF_OK;
}

static void clear(struct bundles *bundles)
{
  for (size_t i = 0; i < bundles->count; i++) {
    vmf_free(bundles->list[i].tag);
    vmf_free(bundles->list[i].file_ref);
  }
  vmf_free(bundles->list);
  vmf_free(bundles->tags);
  vmf_free(bundles->own);
}

/* ---- which one ---- */

/* Of those that a person wants the first that there is; NULL: the descriptor as it is. Its own
 * language may be the one that is wanted, and goes before others of that language. */
static const char *choose(const struct bundles *bundles, const char *languages)
{
  const char *const *tags = bundles->tags, *const own = bundles->own;
  char wanted[VMF_LANGUAGE_TEXT];

  while (languages && vmf_language_next(&languages, wanted)) {
    size_t found = vmf_language_lookup(wanted, tags, bundles->count + 1);
    if (found > bundles->count && vmf_language_relative(wanted, &own, 1) == 0)
      return NULL;
    if (found > bundles->count)
      found = vmf_language_relative(wanted, tags, bundles->count);
    if (found < bundles->count)
      return tags[found];
    if (found == bundles->count && vmf_language_lookup(wanted, &own, 1) == 0)
      return NULL;
  }
  return NULL;
}

/* ---- messages ---- */

static enum vmf_code add_message(struct vmf_ovf_reader *reader, const xmlNode *message,
                                 struct vmf_ovf_index *messages)
{
  struct vmf_xml_attribute attribute = {0};
  void *slot = NULL;

  while (vmf_xml_attribute_next(message, &attribute)) {
    if (!vmf_xml_attribute_is(&attribute, "msgid"))
      continue;
    VMF_TRY(vmf_reader_append(reader, &messages->texts, &messages->text_count,
                              sizeof *messages->texts, &slot));
    char **id = slot;
    VMF_TRY(vmf_xml_attribute_value(message, &attribute, id, reader->error));
    VMF_TRY(vmf_ovf_index_add(reader, messages, *id, message));
  }
  return VMF_OK;
}

static enum vmf_code add_messages(struct vmf_ovf_reader *reader, const xmlNode *strings,
                                  struct vmf_ovf_index *messages)
{
  for (xmlNode *child = vmf_reader_first(strings); child; child = vmf_reader_next(child))
    if (vmf_reader_is(child, "Msg") || vmf_extension_is_bundle(child))
      VMF_TRY(add_message(reader, child, messages));
  return VMF_OK;
}

/* ---- files ---- */

/* A file with texts. */
struct text_file {
  const struct vmf_ovf_file *file; /* NULL: References has none */
  const char *name;                /* for messages */
  char *bytes;                     /* owned; NULL: they cannot be had, or nobody wants them */
  size_t length;
};

static enum vmf_code load(struct vmf_ovf_reader *reader, const char *id, struct text_file *text)
{
  const struct vmf_ovf_asked *asked = reader->asked;
  const struct vmf_ovf *ovf = reader->ovf;

  text->name = id;
  if (!asked || !asked->language || reader->text_files == FILES)
    return VMF_OK;
  for (size_t i = 0; i < ovf->file_count && !text->file; i++)
    if (ovf->files[i].id && strcmp(ovf->files[i].id, id) == 0)
      text->file = &ovf->files[i];
  if (text->file && text->file->href)
    text->name = text->file->href;
  reader->text_files++;
  return asked->load(asked->data, text->name, text->file, FILE_BYTES, &text->bytes, &text->length,
                     reader->error);
}

static void tell(const struct vmf_ovf_reader *reader, const struct text_file *text, const char *why)
{
  reader->asked->tell(reader->asked->data, text->name, why);
}

/* The document stays until all has been read. */
static enum vmf_code parse(struct vmf_ovf_reader *reader, const struct text_file *text,
                           struct vmf_ovf_index *messages)
{
  struct vmf_error wrong = {0};
  struct vmf_xml *xml = NULL;
  void *slot = NULL;

  VMF_TRY(vmf_reader_append(reader, &reader->documents, &reader->document_count,
                            sizeof *reader->documents, &slot));
  enum vmf_code code = vmf_xml_parse(text->name, text->bytes, text->length, NULL, &xml, &wrong);
  if (code == VMF_NOMEM)
    return vmf_fail(reader->error, code, "%s", wrong.text);
  *(struct vmf_xml **)slot = xml;
  if (code == VMF_OK && vmf_extension_is_bundle(xml->elements[0]))
    return add_messages(reader, xml->elements[0], messages);
  tell(reader, text, code == VMF_OK ? "its root is not <Strings>" : wrong.text);
  return VMF_OK;
}

static enum vmf_code add_file(struct vmf_ovf_reader *reader, const char *id,
                              struct vmf_ovf_index *messages)
{
  struct text_file text = {0};
  enum vmf_code code = load(reader, id, &text);

  if (code == VMF_OK && text.bytes)
    code = parse(reader, &text, messages);
  vmf_free(text.bytes);
  return code;
}

/* What is in a file goes before what stands in the descriptor, which is there for who has not the
 * file. */
static enum vmf_code add_language(struct vmf_ovf_reader *reader, const struct bundles *bundles,
                                  const char *tag, struct vmf_ovf_index *messages)
{
  for (size_t i = 0; i < bundles->count; i++) {
    const struct bundle *bundle = &bundles->list[i];
    if (strcasecmp(bundle->tag ? bundle->tag : bundles->own, tag) != 0)
      continue;
    if (bundle->file_ref)
      VMF_TRY(add_file(reader, bundle->file_ref, messages));
    VMF_TRY(add_messages(reader, bundle->element, messages));
  }
  return VMF_OK;
}

static enum vmf_code index_messages(struct vmf_ovf_reader *reader, const struct bundles *bundles)
{
  size_t own = vmf_language_lookup(bundles->own, bundles->tags, bundles->count);
  const char *const order[] = {choose(bundles, reader->asked ? reader->asked->language : NULL),
                               bundles->own, own < bundles->count ? bundles->tags[own] : NULL};

  if (order[0] && strcasecmp(order[0], bundles->own) != 0)
    VMF_TRY(vmf_copy_text(order[0], &reader->ovf->language, reader->error));
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    bool there = !order[i];
    for (size_t j = 0; j < i && !there; j++)
      there = order[j] && strcasecmp(order[j], order[i]) == 0;
    if (!there)
      VMF_TRY(add_language(reader, bundles, order[i], &reader->messages));
  }
  for (size_t i = 0; i < bundles->count; i++)
    VMF_TRY(add_messages(reader, bundles->list[i].element, &reader->other_messages));
  return VMF_OK;
}

enum vmf_code vmf_read_bundles(struct vmf_ovf_reader *reader, const xmlNode *root)
{
  struct bundles bundles = {0};
  enum vmf_code code = find_bundles(reader, root, &bundles);

  if (code == VMF_OK)
    code = index_messages(reader, &bundles);
  vmf_ovf_index_sort(&reader->messages);
  vmf_ovf_index_sort(&reader->other_messages);
  clear(&bundles);
  return code;
}

void vmf_read_bundles_end(struct vmf_ovf_reader *reader)
{
  vmf_ovf_index_clear(&reader->messages);
  vmf_ovf_index_clear(&reader->other_messages);
  for (size_t i = 0; i < reader->document_count; i++)
    vmf_xml_free(reader->documents[i]);
  vmf_free(reader->documents);
}

/* ---- texts ---- */

static enum vmf_code count_bytes(struct vmf_ovf_reader *reader, const char *text)
{
  reader->text_bytes += strlen(text);
  if (reader->text_bytes <= TEXT_BYTES)
    return VMF_OK;
  return vmf_fail(reader->error, VMF_LIMIT,
                  "%s: names messages so often that their texts are more than %d MiB together",
                  reader->ovf->name, TEXT_BYTES >> 20);
}

static bool is_text(const char *bytes, size_t length)
{
  uint32_t character;
  size_t step;

  for (; length > 0; bytes += step, length -= step) {
    step = vmf_utf8_get(bytes, length, &character);
    if (step == 0 || character == 0)
      return false;
  }
  return true;
}

/* OVF 2: a plain text in a file of its own. *text stays where there is none. */
static enum vmf_code read_plain(struct vmf_ovf_reader *reader, const xmlNode *element, char **text)
{
  VMF_AUTO_FREE char *id = NULL;
  struct text_file file = {0};

  VMF_TRY(vmf_reader_attribute(reader, element, "fileRef", &id));
  if (id)
    VMF_TRY(load(reader, id, &file));
  if (!file.bytes)
    return VMF_OK;
  if (!is_text(file.bytes, file.length)) {
    tell(reader, &file, "is no text in UTF-8");
    vmf_free(file.bytes);
    return VMF_OK;
  }
  vmf_free(*text);
  *text = file.bytes;
  return count_bytes(reader, *text);
}

/* *text becomes the message's, unless that is empty. */
static enum vmf_code take_message(struct vmf_ovf_reader *reader, const xmlNode *message,
                                  char **text)
{
  VMF_AUTO_FREE char *said = NULL;

  VMF_TRY(vmf_xml_text(message, &said, reader->error));
  VMF_TRY(read_plain(reader, message, &said));
  if (!*said)
    return VMF_OK;
  VMF_TRY(count_bytes(reader, said));
  vmf_free(*text);
  *text = said;
  said = NULL;
  return VMF_OK;
}

enum vmf_code vmf_reader_text(struct vmf_ovf_reader *reader, const xmlNode *element, char **text)
{
  VMF_AUTO_FREE char *id = NULL;

  if (*text)
    return VMF_OK;
  VMF_TRY(vmf_xml_text(element, text, reader->error));
  VMF_TRY(read_plain(reader, element, text));
  VMF_TRY(vmf_reader_attribute(reader, element, "msgid", &id));
  if (!id)
    return VMF_OK;
  const xmlNode *message = vmf_ovf_index_find(&reader->messages, id);
  if (message)
    VMF_TRY(take_message(reader, message, text));
  if (**text)
    return VMF_OK;
  message = vmf_ovf_index_find(&reader->other_messages, id);
  return message ? take_message(reader, message, text) : VMF_OK;
}
