/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * ova.xml of XenServer and XCP-ng: one XML-RPC value of a version and of objects, the records of
 * xapi's data base, which name each other by their ids. */
#ifndef VMF_FORMATS_XAPI_H
#define VMF_FORMATS_XAPI_H

#include "machine_format.h"
#include "rpc.h"

#define XAPI_NAME "xapi"
#define XAPI_SECURE_BOOT "VM.platform.secureboot" /* an extra, where it is neither on nor off */

struct xapi_object {
  char *class, *id;
  xmlNode *record; /* a <value> */
  bool used;       /* it is, or belongs to, the machine that is read */
};

struct xapi_reading {
  const char *file; /* for messages */
  struct vmf_machine *machine;
  struct vmf_xml *xml;
  struct xapi_object *objects; /* by their ids */
  size_t count, room;
};

/* Members of a record, by name. usual: NULL: it is read, or says nothing of the machine; else it is
 * kept, as an extra, where it has another value and is not empty. */
struct xapi_member {
  const char *name, *usual;
};

/* ---- objects.c ---- */

VMF_MUST_CHECK enum vmf_code xapi_objects_read(struct xapi_reading *reading,
                                               struct vmf_error *error);
void xapi_objects_free(struct xapi_reading *reading);
/* The object of that class; NULL: there is none, or id is NULL. */
struct xapi_object *xapi_object(const struct xapi_reading *reading, const char *class,
                                const char *id);
/* The one that a member of a record names, or NULL. */
VMF_MUST_CHECK enum vmf_code xapi_referred(const struct xapi_reading *reading,
                                           const xmlNode *record, const char *member,
                                           const char *class, struct xapi_object **object,
                                           struct vmf_error *error);

/* Keeps what the table says, and what it does not know, under "PREFIX.NAME"; the table ends with
 * name NULL. */
VMF_MUST_CHECK enum vmf_code xapi_keep(struct xapi_reading *reading, const xmlNode *record,
                                       const char *prefix, const struct xapi_member *table,
                                       struct vmf_error *error);

/* Scalars of a record. *told is left as it is where the member is not there or is empty.
 * VMF_CORRUPT: no decimal number up to `most`. */
VMF_MUST_CHECK enum vmf_code xapi_text(struct xapi_reading *reading, const xmlNode *record,
                                       const char *member, struct vmf_told_text *told,
                                       struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code xapi_number(struct xapi_reading *reading, const xmlNode *record,
                                         const char *member, uint64_t most,
                                         struct vmf_told_number *told, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code xapi_flag(const xmlNode *record, const char *member, bool *flag,
                                       struct vmf_error *error);

/* ---- read_system.c, read_devices.c ---- */

VMF_MUST_CHECK enum vmf_code xapi_read_system(struct xapi_reading *reading,
                                              const struct xapi_object *vm,
                                              struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code xapi_read_devices(struct xapi_reading *reading,
                                               const struct xapi_object *vm,
                                               struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code xapi_read(const struct vmf_machine_source *source,
                                       struct vmf_machine *machine, struct vmf_report *report,
                                       struct vmf_error *error);

/* ---- write.c ---- */

VMF_MUST_CHECK enum vmf_code xapi_write(const struct vmf_machine *machine,
                                        const struct vmf_machine_target *target,
                                        const struct vmf_machine_losses *losses, char **text,
                                        size_t *length, struct vmf_error *error);
/* How the archive calls a disk. */
VMF_MUST_CHECK enum vmf_code xapi_disk_name(const struct vmf_machine *machine, size_t disk,
                                            char **name, struct vmf_error *error);

#endif
