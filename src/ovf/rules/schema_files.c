/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "schema_files.h"

#include <dirent.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "list.h"
#include "memory.h"
#include "path.h"

/* Bounds: a folder of schemas has some 20 files of up to 300 KB. */
enum { FILES_MAX = 500, FILE_BYTES = 4 << 20, FOLDERS_DEPTH = 8 };

static const char xsd_uri[] = "http://www.w3.org/2001/XMLSchema";

/* ---- lists ---- */

static enum vmf_code append(struct vmf_schema_file **list, size_t *count, size_t *capacity,
                            const char *path, const char *uri, struct vmf_error *error)
{
  struct vmf_schema_file file = {0};

  VMF_TRY(VMF_LIST_ROOM(*list, *count, *capacity, "schema files", error));
  VMF_TRY(vmf_copy_text(path, &file.path, error));
  if (uri && vmf_copy_text(uri, &file.uri, error) != VMF_OK) {
    vmf_free(file.path);
    return VMF_NOMEM;
  }
  (*list)[(*count)++] = file;
  return VMF_OK;
}

static void clear(struct vmf_schema_file *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    vmf_free(list[i].path);
    vmf_free(list[i].uri);
  }
  free(list);
}

void vmf_schema_files_clear(struct vmf_schema_files *files)
{
  clear(files->list, files->count);
  clear(files->found, files->found_count);
  files->list = files->found = NULL;
  files->count = files->found_count = files->capacity = files->found_capacity = 0;
}

/* ---- what is in the folder ---- */

/* libxml2 would fetch them. */
static bool external_entities(const xmlDoc *doc)
{
  for (const xmlNode *node = doc->intSubset ? doc->intSubset->children : NULL; node;
       node = node->next)
    if (node->type == XML_ENTITY_DECL && ((const xmlEntity *)node)->SystemID)
      return true;
  return false;
}

/* A schema file as a tree; NULL: it is none, or cannot be read. Nothing is printed or fetched. */
static xmlDoc *read_schema(const char *path)
{
  struct stat status;

  if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_BYTES)
    return NULL;
  xmlDoc *doc = xmlReadFile(path, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
  if (root && root->ns && strcmp((const char *)root->ns->href, xsd_uri) == 0 &&
      strcmp((const char *)root->name, "schema") == 0 && !external_entities(doc))
    return doc;
  xmlFreeDoc(doc);
  return NULL;
}

static enum vmf_code add_found(struct vmf_schema_files *files, const char *path,
                               struct vmf_error *error)
{
  xmlDoc *doc = read_schema(path);

  if (!doc)
    return VMF_OK;
  xmlChar *uri = xmlGetNoNsProp(xmlDocGetRootElement(doc), (const xmlChar *)"targetNamespace");
  enum vmf_code code = append(&files->found, &files->found_count, &files->found_capacity, path,
                              (const char *)uri, error);
  xmlFree(uri);
  xmlFreeDoc(doc);
  return code;
}

static enum vmf_code list_folder(struct vmf_schema_files *files, const char *folder, unsigned depth,
                                 struct vmf_error *error)
{
  struct dirent **entries;
  enum vmf_code code = VMF_OK;
  int count = scandir(folder, &entries, NULL, alphasort);

  if (count < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the folder of schemas cannot be read", folder);
  for (int i = 0; i < count; i++) {
    VMF_AUTO_FREE char *path = NULL;
    struct stat status;
    if (code == VMF_OK && entries[i]->d_name[0] != '.' && files->found_count < FILES_MAX) {
      code = vmf_format(&path, error, "%s/%s", folder, entries[i]->d_name);
      if (code == VMF_OK && vmf_path_has_suffix(path, ".xsd"))
        code = add_found(files, path, error);
      else if (code == VMF_OK && depth < FOLDERS_DEPTH && stat(path, &status) == 0 &&
               S_ISDIR(status.st_mode) && list_folder(files, path, depth + 1, NULL) == VMF_NOMEM)
        code = vmf_fail(error, VMF_NOMEM, "no memory for schema files");
    }
    free(entries[i]);
  }
  free(entries);
  return code;
}

/* ---- the files that belong together ---- */

static bool same_folder(const char *a, const char *b)
{
  size_t length = vmf_path_folder(a);
  return strncmp(a, b, length) == 0 && !strchr(b + length, '/');
}

/* The file for a namespace that `importer` names at `location` (or not at all): one of that name
 * and namespace, else one of that namespace; beside the importer before elsewhere. NULL: none. */
static struct vmf_schema_file *resolve(const struct vmf_schema_files *files, const char *importer,
                                       const char *uri, const char *location)
{
  struct vmf_schema_file *best = NULL;
  unsigned best_score = 0;

  for (size_t i = 0; i < files->found_count; i++) {
    struct vmf_schema_file *file = &files->found[i];
    if (!file->uri || strcmp(file->uri, uri) != 0)
      continue;
    unsigned score =
        1u + (same_folder(importer, file->path) ? 2u : 0u) +
        (location && strcmp(vmf_path_name(location), vmf_path_name(file->path)) == 0 ? 4u : 0u);
    if (score > best_score) {
      best_score = score;
      best = file;
    }
  }
  return best;
}

static enum vmf_code take(struct vmf_schema_files *files, struct vmf_schema_file *file,
                          struct vmf_error *error);

static enum vmf_code take_import(struct vmf_schema_files *files, const char *path,
                                 const xmlNode *import, struct vmf_error *error)
{
  xmlChar *uri = xmlGetNoNsProp((xmlNode *)import, (const xmlChar *)"namespace");
  xmlChar *location = xmlGetNoNsProp((xmlNode *)import, (const xmlChar *)"schemaLocation");
  struct vmf_schema_file *file =
      uri ? resolve(files, path, (const char *)uri, (const char *)location) : NULL;
  enum vmf_code code = VMF_OK;

  if (file)
    code = take(files, file, error);
  else if (location)
    code = vmf_fail(error, VMF_SYSTEM, "%s: needs the schema of %s, which is not in the folder",
                    path, uri ? (const char *)uri : (const char *)location);
  xmlFree(uri);
  xmlFree(location);
  return code;
}

static enum vmf_code take_imports(struct vmf_schema_files *files, const char *path, xmlDoc *doc,
                                  struct vmf_error *error)
{
  for (const xmlNode *child = xmlFirstElementChild(xmlDocGetRootElement(doc)); child;
       child = xmlNextElementSibling((xmlNode *)child)) {
    if (strcmp((const char *)child->name, "import") == 0)
      VMF_TRY(take_import(files, path, child, error));
    else if (strcmp((const char *)child->name, "include") == 0 ||
             strcmp((const char *)child->name, "redefine") == 0)
      return vmf_fail(error, VMF_SYSTEM,
                      "%s: line %ld: the schema includes another file, which is not followed", path,
                      xmlGetLineNo((xmlNode *)child));
  }
  return VMF_OK;
}

/* One file a namespace. */
static bool taken(const struct vmf_schema_files *files, const char *uri)
{
  for (size_t i = 0; i < files->count; i++)
    if (strcmp(files->list[i].uri, uri) == 0)
      return true;
  return false;
}

static enum vmf_code take(struct vmf_schema_files *files, struct vmf_schema_file *file,
                          struct vmf_error *error)
{
  xmlDoc *doc;

  if (file->visited || taken(files, file->uri))
    return VMF_OK;
  file->visited = true;
  doc = read_schema(file->path);
  if (!doc)
    return vmf_fail(error, VMF_SYSTEM, "%s: the schema cannot be read", file->path);
  enum vmf_code code = take_imports(files, file->path, doc, error);
  xmlFreeDoc(doc);
  if (code != VMF_OK || taken(files, file->uri))
    return code;
  return append(&files->list, &files->count, &files->capacity, file->path, file->uri, error);
}

/* dsp8023_1.1.1.xsd rather than dsp8023_1.0.0.xsd or dsp8023_2.0.0c.xsd, a draft that has the
 * namespace of version 1, too. */
static bool better(const struct vmf_schema_file *file, const struct vmf_schema_file *than,
                   const char *uri)
{
  char start[] = "dsp8023_N";
  const char *name = vmf_path_name(file->path), *other = vmf_path_name(than->path);

  start[sizeof start - 2] = uri[strlen(uri) - 1];
  bool fits = strncasecmp(name, start, sizeof start - 1) == 0;
  bool other_fits = strncasecmp(other, start, sizeof start - 1) == 0;
  return fits != other_fits ? fits : strcasecmp(name, other) > 0;
}

enum vmf_code vmf_schema_files_find(struct vmf_schema_files *files, const char *uri,
                                    struct vmf_error *error)
{
  struct vmf_schema_file *main_file = NULL;

  VMF_TRY(list_folder(files, files->folder, 0, error));
  for (size_t i = 0; i < files->found_count; i++) {
    struct vmf_schema_file *file = &files->found[i];
    if (file->uri && strcmp(file->uri, uri) == 0 && (!main_file || better(file, main_file, uri)))
      main_file = file;
  }
  if (!main_file)
    return vmf_fail(error, VMF_SYSTEM, "%s: the folder has no schema (*.xsd) for %s", files->folder,
                    uri);
  return take(files, main_file, error);
}
