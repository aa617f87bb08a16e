/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VirtualBox's description of a machine's hardware, as it stands in its own files and, inside of
 * OVF, in <vbox:Machine> (VirtualBox-settings.xsd). What moved between the versions is looked for
 * in both places: settings up to 1.19 (VirtualBox 7.0) have the processors and the clock in
 * <Hardware>, later ones in a <Platform> beside it; the storage controllers stand beside <Hardware>
 * or in it; firmware variables in <BIOS> or <Firmware>. Namespaces do not count. */
#ifndef VMF_MACHINE_XML_VBOX_HARDWARE_H
#define VMF_MACHINE_XML_VBOX_HARDWARE_H

#include "taking.h"

/* Versions of the settings, 1.N, from which silence means something else. */
enum {
  VMF_VBOX_SILENT_DEVICES = 16, /* VirtualBox 5.1: what has a default is not written */
  VMF_VBOX_PLATFORM = 20,       /* VirtualBox 7.1 */
  VMF_VBOX_NEWEST = 22,         /* that is known here: VirtualBox 7.3 */
};

struct vmf_vbox_reading {
  struct vmf_taking taking;
  unsigned version; /* of the settings, N of 1.N */
  /* What is in a drive: fills image or elsewhere of the disk, by the uuid of the image as it is
   * written. NULL: nobody knows. */
  enum vmf_code (*find_image)(void *data, const struct vmf_told_text *uuid,
                              struct vmf_machine_disk *disk, struct vmf_error *error);
  void *data;
};

extern const struct vmf_vocabulary vmf_vbox_vocabulary;

/* A kind of controller. */
struct vmf_vbox_controller {
  const char *type; /* as VirtualBox says it */
  enum vmf_bus bus;
  const char *model;
  unsigned places; /* ports, of which a disk takes one; IDE: channels with two disks each */
};
extern const struct vmf_vbox_controller vmf_vbox_controllers[]; /* ends with type NULL */

extern const struct vmf_vendor_word vmf_vbox_clocks[], vmf_vbox_tpms[], vmf_vbox_backends[],
    vmf_vbox_flags[];
extern const struct vmf_vendor_name vmf_vbox_cards[], vmf_vbox_sounds[], vmf_vbox_videos[],
    vmf_vbox_boot_devices[];

/* The hardware of a <Machine> or <Snapshot>. */
VMF_MUST_CHECK enum vmf_code vmf_vbox_read_hardware(const struct vmf_vbox_reading *reading,
                                                    const xmlNode *holder, struct vmf_error *error);

/* "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}" of an attribute, with or without the braces;
 * VMF_CORRUPT: it is none; not told where there is no such attribute. */
VMF_MUST_CHECK enum vmf_code vmf_vbox_uuid(const struct vmf_taking *taking, const xmlNode *element,
                                           const char *name, struct vmf_told_id *id,
                                           struct vmf_error *error);

/* ---- the parts ---- */

/* The first child of that name, or NULL; and the next one of the same name. */
const xmlNode *vmf_vbox_child(const xmlNode *parent, const char *name);
const xmlNode *vmf_vbox_next(const xmlNode *element);
bool vmf_vbox_is(const xmlNode *element, const char *name);

/* A flag; `silent` where it is not written. VMF_CORRUPT: it is none. */
VMF_MUST_CHECK enum vmf_code vmf_vbox_flag(const struct vmf_taking *taking, const xmlNode *element,
                                           const char *name, bool silent, bool *flag,
                                           struct vmf_error *error);
/* A number that may be nonsense without the machine being so: beyond `most` it stays an extra, and
 * is told as a finding. */
VMF_MUST_CHECK enum vmf_code vmf_vbox_number(const struct vmf_taking *taking,
                                             const xmlNode *element, const char *name,
                                             uint64_t most, struct vmf_told_number *number,
                                             struct vmf_error *error);

/* The slot of a card or port, which stays an extra where it is not its number among them. */
VMF_MUST_CHECK enum vmf_code vmf_vbox_slot(const struct vmf_taking *taking, const xmlNode *element,
                                           size_t number, struct vmf_error *error);

VMF_MUST_CHECK enum vmf_code vmf_vbox_read_system(const struct vmf_vbox_reading *reading,
                                                  const xmlNode *holder, const xmlNode *hardware,
                                                  struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_vbox_read_storage(const struct vmf_vbox_reading *reading,
                                                   const xmlNode *holder, const xmlNode *hardware,
                                                   struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_vbox_read_cards(const struct vmf_vbox_reading *reading,
                                                 const xmlNode *hardware, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_vbox_read_devices(const struct vmf_vbox_reading *reading,
                                                   const xmlNode *hardware,
                                                   struct vmf_error *error);

#endif
