/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * libxml2 gets text that is known to be UTF-8, without DOCTYPE and within our bounds. Nothing of
 * its process-wide state is set: errors go to a handler of the one parser, and what it tells no
 * parser of, to one of this thread. */
#include "xml.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <string.h>

#include "memory.h"
#include "xml_source.h"

/* No entities, no DTD, no network, no huge nodes: all of that is off unless it is asked for. */
enum { OPTIONS = XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_IGNORE_ENC };

/* The first complaint of the parser. */
struct complaint {
  bool any, memory;
  bool huge; /* a text or value of more than 10 MB, the parser's own bound */
  int line;
  char text[256];
};

/* xmlStructuredErrorFunc's parameter became const in 2.12. */
#if LIBXML_VERSION >= 21200
#define COMPLAINT const xmlError
#else
#define COMPLAINT xmlError
#endif

static void note_complaint(void *data, COMPLAINT *source)
{
  xmlParserCtxt *context = data;
  struct complaint *complaint = context->_private;

  if (source->code == XML_ERR_NO_MEMORY)
    complaint->memory = true;
  if (complaint->any || source->level < XML_ERR_ERROR)
    return;
  complaint->any = true;
  complaint->line = source->line;
  const char *text = source->message ? source->message : "";
  complaint->huge = source->code == XML_ERR_INTERNAL_ERROR && strstr(text, "Huge input");
  size_t length = strcspn(text, "\r\n");
  if (length >= sizeof complaint->text)
    length = sizeof complaint->text - 1;
  memcpy(complaint->text, text, length);
}

/* A tree is built on without what there was no memory for, and only this tells. */
static void note_loose_complaint(void *data, COMPLAINT *source)
{
  struct complaint *complaint = data;

  if (source->code == XML_ERR_NO_MEMORY)
    complaint->memory = true;
}

/* The attributes stay in the source text; the parser has checked them. */
static void start_element(void *context, const xmlChar *name, const xmlChar *prefix,
                          const xmlChar *uri, int namespace_count, const xmlChar **namespaces,
                          int attribute_count, int default_count, const xmlChar **attributes)
{
  (void)attribute_count;
  (void)default_count;
  (void)attributes;
  xmlSAX2StartElementNs(context, name, prefix, uri, namespace_count, namespaces, 0, 0, NULL);
}

static void keep_elements_only(xmlSAXHandler *sax)
{
  sax->startElementNs = start_element;
  sax->characters = NULL;
  sax->ignorableWhitespace = NULL;
  sax->cdataBlock = NULL;
  sax->comment = NULL;
  sax->processingInstruction = NULL;
}

/* The parser's globals are made once, by whichever thread comes first. */
static pthread_once_t begun = PTHREAD_ONCE_INIT;

static xmlDoc *build_tree(xmlParserCtxt *context, struct complaint *complaint,
                          const struct vmf_xml_source *source)
{
  xmlStructuredErrorFunc before = xmlStructuredError;
  void *data_before = xmlStructuredErrorContext;

  context->_private = complaint;
  context->sax->serror = note_complaint;
  keep_elements_only(context->sax);
  xmlSetStructuredErrorFunc(complaint, note_loose_complaint);
  xmlDoc *doc =
      xmlCtxtReadMemory(context, source->text, (int)source->length, NULL, "UTF-8", OPTIONS);
  xmlSetStructuredErrorFunc(data_before, before);
  return doc;
}

static enum vmf_code parse_text(const char *name, const struct vmf_xml_source *source,
                                struct vmf_report *report, xmlDoc **doc, struct vmf_error *error)
{
  struct complaint complaint = {0};
  pthread_once(&begun, xmlInitParser);
  xmlParserCtxt *context = xmlNewParserCtxt();

  if (!context)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for an XML parser", name);
  *doc = build_tree(context, &complaint, source);
  bool good = context->wellFormed;
  if (context->errNo == XML_ERR_NO_MEMORY || context->lastError.code == XML_ERR_NO_MEMORY)
    complaint.memory = true;
  xmlFreeParserCtxt(context);
  if (*doc && good && !complaint.memory) {
    if (complaint.any) /* of namespaces only: those are a layer above XML itself */
      vmf_report_add(report, VMF_SEVERITY_WARNING, "descriptor-namespace", name,
                     (unsigned)complaint.line + source->skipped_lines, "%s", complaint.text);
    return VMF_OK;
  }
  xmlFreeDoc(*doc);
  *doc = NULL;
  if (complaint.memory || !complaint.any) /* it does not tell all of its failed allocations */
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for the XML tree", name);
  if (complaint.huge)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: a text or value of more than 10 MB", name,
                    (unsigned)complaint.line + source->skipped_lines);
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: not well-formed XML: %s", name,
                  (unsigned)complaint.line + source->skipped_lines, complaint.text);
}

/* The next element in document order; NULL: none. */
static xmlNode *next_element(xmlNode *node)
{
  xmlNode *down = vmf_xml_find(node->children, NULL, NULL);

  if (down)
    return down;
  for (; node && node->type == XML_ELEMENT_NODE; node = node->parent) {
    xmlNode *beside = vmf_xml_find(node->next, NULL, NULL);
    if (beside)
      return beside;
  }
  return NULL;
}

/* Numbers the elements of the tree: the n-th stands at the n-th span. */
static enum vmf_code number_elements(const char *name, struct vmf_xml *xml, struct vmf_error *error)
{
  void *elements = NULL;
  size_t count = 0;

  VMF_TRY(vmf_alloc(xml->count * sizeof *xml->elements, &elements, error));
  xml->elements = elements;
  xml->doc->_private = xml;
  xmlNode *node = xmlDocGetRootElement(xml->doc);
  for (; node && count < xml->count; node = next_element(node)) {
    node->_private = &xml->spans[count];
    xml->elements[count++] = node;
  }
  if (node || count != xml->count)
    return vmf_fail(error, VMF_CORRUPT, "%s: the parser found %s elements than the text has (%zu)",
                    name, node ? "more" : "fewer", xml->count);
  return VMF_OK;
}

enum vmf_code vmf_xml_parse(const char *name, const void *bytes, size_t length,
                            struct vmf_report *report, struct vmf_xml **xml,
                            struct vmf_error *error)
{
  struct vmf_xml_source source = {0};
  void *memory = NULL;

  *xml = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_xml), &memory, error));
  struct vmf_xml *fresh = memory;
  enum vmf_code code = vmf_xml_decode(name, bytes, length, report, &source, error);
  fresh->text = source.text;
  fresh->length = source.length;
  fresh->recoded = source.recoded;
  if (code == VMF_OK)
    code = vmf_xml_scan(name, &source, &fresh->spans, &fresh->count, error);
  if (code == VMF_OK)
    code = parse_text(name, &source, report, &fresh->doc, error);
  if (code == VMF_OK)
    code = number_elements(name, fresh, error);
  if (code != VMF_OK) {
    vmf_xml_free(fresh);
    return code;
  }
  *xml = fresh;
  return VMF_OK;
}

void vmf_xml_free(struct vmf_xml *xml)
{
  if (!xml)
    return;
  xmlFreeDoc(xml->doc);
  vmf_free(xml->elements);
  vmf_free(xml->spans);
  vmf_free(xml->text);
  vmf_free(xml);
}

size_t vmf_xml_index(const xmlNode *element)
{
  const struct vmf_xml *xml = element->doc->_private;
  const struct vmf_xml_span *span = element->_private;

  return (size_t)(span - xml->spans);
}

unsigned vmf_xml_line(const xmlNode *element)
{
  const struct vmf_xml_span *span = element->_private;

  return span->line;
}

bool vmf_xml_is(const xmlNode *element, const char *uri, const char *name)
{
  if (!element || element->type != XML_ELEMENT_NODE)
    return false;
  if (name && strcmp((const char *)element->name, name) != 0)
    return false;
  return !uri || (element->ns && strcmp((const char *)element->ns->href, uri) == 0);
}

xmlNode *vmf_xml_find(xmlNode *from, const char *uri, const char *name)
{
  while (from && !vmf_xml_is(from, uri, name))
    from = from->next;
  return from;
}

xmlNode *vmf_xml_child(const xmlNode *parent, const char *uri, const char *name)
{
  return vmf_xml_find(parent->children, uri, name);
}
