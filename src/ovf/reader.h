/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_ovf_read: what its files share. */
#ifndef VMF_OVF_READER_H
#define VMF_OVF_READER_H

#include "model.h"

/* Texts by a key, to be found fast. */
struct vmf_ovf_entry {
  const char *key;
  const void *value;
  size_t place; /* of several with one key the first place counts */
};

struct vmf_ovf_index {
  struct vmf_ovf_entry *entries;
  size_t count;
  char **texts; /* keys that were made for the index */
  size_t text_count;
};

struct vmf_ovf_reader {
  struct vmf_ovf *ovf;
  struct vmf_report *report;
  const struct vmf_ovf_asked *asked; /* NULL: the descriptor as it is */
  /* Msg by its id; values are xmlNode: of the language that is wanted and then the descriptor's
   * own; of all that are in the descriptor, for elements that say nothing themselves */
  struct vmf_ovf_index messages, other_messages;
  struct vmf_xml **documents; /* of bundles that are files; owned */
  size_t document_count;
  unsigned text_files;       /* that were asked for */
  uint64_t text_bytes;       /* of messages that were taken */
  const char *configuration; /* the deployment option that counts */
  struct vmf_error *error;
};

/* ---- reader.c ---- */

/* An element of the standard: in a namespace of the envelope, or in none. name NULL: any. */
bool vmf_reader_is(const xmlNode *element, const char *name);

/* Whether a namespace is the envelope's, in any version. NULL: none, also true. */
bool vmf_reader_is_envelope(const xmlNs *ns);

/* The same for a namespace's URI of `length` bytes. */
bool vmf_reader_is_envelope_uri(const char *uri, size_t length);

/* An element in the namespace of a CIM class, "CIM_VirtualSystemSettingData", in any of its forms:
 * VirtualBox ends it in ".xsd", others shorten the way to it. */
bool vmf_reader_is_cim(const xmlNode *element, const char *class_name);

/* What an element is: its name, or for <Section xsi:type="ovf:DiskSection_Type"> the type's,
 * "DiskSection". *own: of the standard. *length: of the name. */
const char *vmf_reader_kind(const xmlNode *element, size_t *length, bool *own);

/* An attribute in the envelope's namespace or in none; a fresh string; NULL: not there. */
VMF_MUST_CHECK enum vmf_code vmf_reader_attribute(struct vmf_ovf_reader *reader,
                                                  const xmlNode *element, const char *name,
                                                  char **value);
/* "true" or "1"; `otherwise` when it is not there. */
VMF_MUST_CHECK enum vmf_code vmf_reader_flag(struct vmf_ovf_reader *reader, const xmlNode *element,
                                             const char *name, bool otherwise, bool *flag);

/* A decimal number without sign, white space around it allowed. */
bool vmf_reader_number(const char *text, uint64_t *number);

/* Fields by name. */
struct vmf_reader_field {
  const char *name;
  size_t offset; /* of a char * in the structure */
};

/* Fills the fields that have the name of an attribute of the element. */
VMF_MUST_CHECK enum vmf_code vmf_reader_attributes(struct vmf_ovf_reader *reader,
                                                   const xmlNode *element,
                                                   const struct vmf_reader_field *fields,
                                                   size_t count, void *structure);
/* Fills the field that has the name of `child`, when it is still empty. *found: there is one. */
VMF_MUST_CHECK enum vmf_code vmf_reader_child(struct vmf_ovf_reader *reader, const xmlNode *child,
                                              const struct vmf_reader_field *fields, size_t count,
                                              void *structure, bool *found);

/* One more zeroed element of `size` bytes at the end of a list; `list` points to its pointer.
 * *count is raised. */
VMF_MUST_CHECK enum vmf_code vmf_reader_append(struct vmf_ovf_reader *reader, void *list,
                                               size_t *count, size_t size, void **slot);

/* Notes an element that is not understood. among_sections: it stands where sections do. */
VMF_MUST_CHECK enum vmf_code vmf_reader_unknown(struct vmf_ovf_reader *reader,
                                                const xmlNode *element, bool among_sections);

/* The next child element; walk with `for (node = first(parent); node; node = next(node))`. */
xmlNode *vmf_reader_first(const xmlNode *parent);
xmlNode *vmf_reader_next(const xmlNode *node);

/* ---- bundles.c ---- */

/* The messages of the descriptor; References have been read. */
VMF_MUST_CHECK enum vmf_code vmf_read_bundles(struct vmf_ovf_reader *reader, const xmlNode *root);
void vmf_read_bundles_end(struct vmf_ovf_reader *reader);

/* The text of an element, or of the message that stands for it. A *text that is there stays. */
VMF_MUST_CHECK enum vmf_code vmf_reader_text(struct vmf_ovf_reader *reader, const xmlNode *element,
                                             char **text);

/* ---- index.c ---- */

/* Key and value must outlive the index. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_index_add(struct vmf_ovf_reader *reader,
                                               struct vmf_ovf_index *index, const char *key,
                                               const void *value);
void vmf_ovf_index_sort(struct vmf_ovf_index *index);
const void *vmf_ovf_index_find(const struct vmf_ovf_index *index, const char *key);
void vmf_ovf_index_clear(struct vmf_ovf_index *index);

/* The indexes of files and disks; those of the properties. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_index_properties(struct vmf_ovf_reader *reader);
VMF_MUST_CHECK enum vmf_code vmf_ovf_index_ids(struct vmf_ovf_reader *reader);

/* ---- the sections ---- */

VMF_MUST_CHECK enum vmf_code vmf_read_references(struct vmf_ovf_reader *reader,
                                                 const xmlNode *section);
VMF_MUST_CHECK enum vmf_code vmf_read_disks(struct vmf_ovf_reader *reader, const xmlNode *section);
/* What needs the properties: capacities. */
VMF_MUST_CHECK enum vmf_code vmf_read_capacities(struct vmf_ovf_reader *reader);
VMF_MUST_CHECK enum vmf_code vmf_read_networks(struct vmf_ovf_reader *reader,
                                               const xmlNode *section);
VMF_MUST_CHECK enum vmf_code vmf_read_options(struct vmf_ovf_reader *reader,
                                              const xmlNode *section);
VMF_MUST_CHECK enum vmf_code vmf_read_os(struct vmf_ovf_reader *reader, const xmlNode *section,
                                         struct vmf_ovf_system *system);
VMF_MUST_CHECK enum vmf_code vmf_read_product(struct vmf_ovf_reader *reader, const xmlNode *section,
                                              struct vmf_ovf_system *system);
VMF_MUST_CHECK enum vmf_code vmf_read_eula(struct vmf_ovf_reader *reader, const xmlNode *section,
                                           struct vmf_ovf_system *system);
VMF_MUST_CHECK enum vmf_code vmf_read_annotation(struct vmf_ovf_reader *reader,
                                                 const xmlNode *section,
                                                 struct vmf_ovf_system *system);
/* Of all VirtualHardwareSections of a system the one that is used. */
VMF_MUST_CHECK enum vmf_code vmf_read_hardware(struct vmf_ovf_reader *reader,
                                               const xmlNode *content,
                                               struct vmf_ovf_system *system);

/* Who wrote it. */
enum vmf_ovf_dialect vmf_reader_dialect(const struct vmf_ovf *ovf);

#endif
