/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Validation against the schema files that the user has. libxml2 would fetch what a schema names
 * from anywhere; here every import is led to a file of the folder before libxml2 sees it. The
 * descriptor's own hints (xsi:schemaLocation) libxml2 does not follow where it is given a schema.
 */
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "rules.h"
#include "schema_files.h"

/* ---- one schema that imports the files, those that others need first ---- */

/* libxml2 passes over an import of a namespace that it has already: so it never follows the
 * addresses that are written in the files. */
static enum vmf_code make_driver(const struct vmf_schema_files *files, xmlDoc **driver,
                                 struct vmf_error *error)
{
  static const xmlChar xsd[] = "http://www.w3.org/2001/XMLSchema";
  xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
  xmlNode *root = doc ? xmlNewDocNode(doc, NULL, (const xmlChar *)"schema", NULL) : NULL;
  xmlNs *ns = root ? xmlNewNs(root, xsd, (const xmlChar *)"xs") : NULL;
  bool made = ns != NULL;

  *driver = doc;
  if (root) {
    xmlDocSetRootElement(doc, root);
    xmlSetNs(root, ns);
  }
  for (size_t i = 0; made && i < files->count; i++) {
    xmlNode *import = xmlNewChild(root, ns, (const xmlChar *)"import", NULL);
    made = import && xmlNewProp(import, (const xmlChar *)"schemaLocation",
                                (const xmlChar *)files->list[i].path);
    if (made && files->list[i].uri)
      made = xmlNewProp(import, (const xmlChar *)"namespace",
                        (const xmlChar *)files->list[i].uri) != NULL;
  }
  return made ? VMF_OK : vmf_fail(error, VMF_NOMEM, "no memory for a schema");
}

/* Keeps the first error. */
static void note_schema_error(void *data, xmlError *found)
{
  char *text = data;

  if (found->level >= XML_ERR_ERROR && text[0] == '\0' && found->message)
    snprintf(text, 256, "%s:%d: %.*s", found->file ? found->file : "", found->line,
             (int)strcspn(found->message, "\n"), found->message);
}

static enum vmf_code compile(const char *folder, const struct vmf_schema_files *files,
                             xmlDoc **driver, xmlSchema **schema, struct vmf_error *error)
{
  char first[256] = "";

  VMF_TRY(make_driver(files, driver, error));
  xmlSchemaParserCtxt *parser = xmlSchemaNewDocParserCtxt(*driver);
  if (!parser)
    return vmf_fail(error, VMF_NOMEM, "no memory for a schema");
  xmlSchemaSetParserStructuredErrors(parser, note_schema_error, first);
  *schema = xmlSchemaParse(parser);
  xmlSchemaFreeParserCtxt(parser);
  if (!*schema)
    return vmf_fail(error, VMF_SYSTEM, "%s: the schema cannot be used: %s", folder, first);
  return VMF_OK;
}

/* ---- the descriptor ---- */

struct complaints {
  const struct vmf_ovf *ovf;
  struct vmf_report *report;
};

static void tell_complaint(void *data, xmlError *found)
{
  struct complaints *complaints = data;
  const char *text = found->message ? found->message : "";

  if (found->level < XML_ERR_ERROR)
    return;
  vmf_report_add(complaints->report, VMF_SEVERITY_VIOLATION, "schema", complaints->ovf->name,
                 found->line > 0 ? (unsigned)found->line : 0, "%.*s", (int)strcspn(text, "\n"),
                 text);
}

static enum vmf_code validate(const struct vmf_ovf *ovf, xmlSchema *schema,
                              struct vmf_report *report, struct vmf_error *error)
{
  struct complaints complaints = {.ovf = ovf, .report = report};
  const int options = XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_IGNORE_ENC |
                      XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  /* the reader's tree has no attributes and texts */
  xmlDoc *doc = xmlReadMemory(ovf->xml->text, (int)ovf->xml->length, NULL, "UTF-8", options);
  xmlSchemaValidCtxt *validator = doc ? xmlSchemaNewValidCtxt(schema) : NULL;

  if (!validator) {
    xmlFreeDoc(doc);
    return vmf_fail(error, VMF_NOMEM, "no memory for a schema");
  }
  xmlSchemaSetValidStructuredErrors(validator, tell_complaint, &complaints);
  int result = xmlSchemaValidateDoc(validator, doc);
  xmlSchemaFreeValidCtxt(validator);
  xmlFreeDoc(doc);
  if (result < 0)
    return vmf_fail(error, VMF_SYSTEM, "%s: libxml2 could not validate the descriptor", ovf->name);
  return VMF_OK;
}

enum vmf_code vmf_schema_check(const struct vmf_ovf *ovf, const char *folder,
                               struct vmf_report *report, struct vmf_error *error)
{
  struct vmf_schema_files files = {.folder = folder};
  xmlDoc *driver = NULL;
  xmlSchema *schema = NULL;

  if (ovf->version == VMF_OVF_0_9) {
    vmf_report_add(report, VMF_SEVERITY_NOTE, "schema-none", ovf->name, 0,
                   "there is no schema for OVF 0.9");
    return VMF_OK;
  }
  enum vmf_code code =
      vmf_schema_files_find(&files, ovf->version == VMF_OVF_2 ? VMF_NS_OVF_2 : VMF_NS_OVF_1, error);
  if (code == VMF_OK)
    code = compile(folder, &files, &driver, &schema, error);
  if (code == VMF_OK)
    code = validate(ovf, schema, report, error);
  xmlSchemaFree(schema);
  xmlFreeDoc(driver);
  vmf_schema_files_clear(&files);
  return code;
}
