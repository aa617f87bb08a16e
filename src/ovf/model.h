/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a descriptor says, whatever version and dialect it is written in. Strings are UTF-8, NULL
 * when the descriptor has none. `element` is the element's index in struct vmf_xml, `line` its line
 * in the file. */
#ifndef VMF_OVF_MODEL_H
#define VMF_OVF_MODEL_H

#include "xml.h"

struct vmf_install_options;

enum vmf_ovf_version {
  VMF_OVF_0_9, /* http://www.vmware.com/schema/ovf/1/envelope, and what is older */
  VMF_OVF_1,   /* http://schemas.dmtf.org/ovf/envelope/1: 1.0 and 1.1 share it */
  VMF_OVF_2,   /* http://schemas.dmtf.org/ovf/envelope/2 */
};

/* Who wrote it, as far as namespaces and hardware families tell. */
enum vmf_ovf_dialect {
  VMF_DIALECT_STANDARD,
  VMF_DIALECT_VMWARE,
  VMF_DIALECT_VIRTUALBOX,
  VMF_DIALECT_XENSERVER,
  VMF_DIALECT_OVIRT,
  VMF_DIALECT_OTHER, /* an extension that is none of these */
};

/* The namespaces. */
#define VMF_NS_OVF_0_9 "http://www.vmware.com/schema/ovf/1/envelope"
#define VMF_NS_OVF_1 "http://schemas.dmtf.org/ovf/envelope/1"
#define VMF_NS_OVF_2 "http://schemas.dmtf.org/ovf/envelope/2"
#define VMF_NS_VMW "http://www.vmware.com/schema/ovf"
#define VMF_NS_VBOX "http://www.virtualbox.org/ovf/machine"
#define VMF_NS_RASD                                                                                \
  "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
#define VMF_NS_VSSD "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
#define VMF_NS_EPASD                                                                               \
  "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_EthernetPortAllocationSettingData"
#define VMF_NS_SASD                                                                                \
  "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_StorageAllocationSettingData"
#define VMF_NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

struct vmf_ovf_file {            /* References/File */
  char *id, *href, *compression; /* href as written, %-escapes and all */
  bool size_known;               /* a size of 0, none, negative, no number: not known */
  uint64_t size;                 /* of the file (of all its chunks), bytes */
  uint64_t chunk_size;           /* 0: not chunked */
  size_t element;
  unsigned line;
};

struct vmf_ovf_disk { /* DiskSection/Disk */
  char *id, *file_ref, *format, *parent_ref;
  char *volume_format;                  /* oVirt: "RAW" or "COW"; its format is the same for both */
  char *capacity_text, *capacity_units; /* as written */
  bool capacity_known;                  /* false: "${property}" or nonsense */
  uint64_t capacity; /* bytes; of a "${property}" its default, where there is one */
  bool populated_known;
  uint64_t populated; /* bytes */
  size_t element;
  unsigned line;
};

struct vmf_ovf_network {
  char *name, *description;
  size_t element;
  unsigned line;
};

struct vmf_ovf_configuration { /* DeploymentOptionSection/Configuration */
  char *id, *label, *description;
  bool is_default;
};

/* Resource types of CIM_ResourceAllocationSettingData that matter here. */
enum vmf_resource {
  VMF_RESOURCE_OTHER = 1,
  VMF_RESOURCE_CPU = 3,
  VMF_RESOURCE_MEMORY = 4,
  VMF_RESOURCE_IDE = 5,
  VMF_RESOURCE_SCSI = 6,
  VMF_RESOURCE_NIC = 10,
  VMF_RESOURCE_FLOPPY = 14,
  VMF_RESOURCE_CD = 15,
  VMF_RESOURCE_DVD = 16,
  VMF_RESOURCE_DISK = 17,
  VMF_RESOURCE_STORAGE = 20, /* SATA, NVMe */
  VMF_RESOURCE_SERIAL = 21,
  VMF_RESOURCE_PARALLEL = 22,
  VMF_RESOURCE_USB = 23,
  VMF_RESOURCE_GRAPHICS = 24,
  VMF_RESOURCE_SOUND = 35,
};

struct vmf_ovf_item { /* Item, StorageItem, EthernetPortItem */
  unsigned type;      /* enum vmf_resource, or another number; 0: none given */
  char *instance, *parent, *name, *description, *subtype, *address, *address_on_parent, *connection;
  char *automatic;      /* AutomaticAllocation, as written: connected when it starts */
  char *host_resource;  /* the first one, as written: "ovf:/disk/ID" */
  char *configurations; /* ovf:configuration, as written */
  char *bound;
  char *units;               /* AllocationUnits */
  bool quantity_known;       /* VirtualQuantity */
  uint64_t quantity;         /* as written, in `units` */
  uint64_t cores_per_socket; /* vmw:CoresPerSocket; 0: none */
  bool required;             /* ovf:required, true when not written */
  size_t element;
  unsigned line;
};

struct vmf_ovf_property {
  char *key, *type, *value, *label, *description, *qualifiers;
  char *vmw_qualifiers; /* VMware's own attribute of that name */
  const char *category; /* of its product: the one that it stands behind */
  bool user_configurable, password;
  bool chosen;  /* a person says the value */
  bool literal; /* it is not the descriptor's: nothing in it refers to other properties */
  size_t element;
};

struct vmf_ovf_product { /* ProductSection */
  char *class_id, *instance_id, *name, *vendor, *version, *full_version, *url, *vendor_url;
  char **categories;
  size_t category_count;
  struct vmf_ovf_property *properties;
  size_t property_count;
};

/* A VirtualSystem or a VirtualSystemCollection. */
struct vmf_ovf_system {
  char *id, *name, *info;
  bool collection;
  size_t parent; /* index of the collection that it is in; its own index at the top */
  char *os_name; /* Description of the OperatingSystemSection */
  bool os_known;
  unsigned os_id; /* CIM_OperatingSystem.OSType */
  char *os_version, *vmw_os, *vbox_os;
  char *families; /* VirtualSystemType, as written; a list by spaces or commas */
  char *identifier;
  char *firmware; /* vmw:Config "firmware"; NULL: not said */
  bool secure_boot;
  char *transport;
  struct vmf_ovf_item *items; /* of the first VirtualHardwareSection whose family is known, else of
                               * the first */
  size_t item_count;
  struct vmf_ovf_product *products;
  size_t product_count;
  char **eulas;
  size_t eula_count;
  char *annotation;
  size_t element;
  size_t hardware_element; /* of the VirtualHardwareSection that is used; SIZE_MAX: none */
  unsigned line;
};

/* A section or element that the reader has no room for above. */
struct vmf_ovf_unknown {
  char *name;    /* "vmw:BootOrderSection"; with the key behind: "vmw:Config cpuHotAddEnabled" */
  bool required; /* ovf:required, true when not written; false for sections of the standard */
  bool refused;  /* who does not know it must not pass the package on */
  unsigned line;
};

struct vmf_ovf {
  char *name;         /* of the file, for messages */
  const char *chosen; /* the id of the deployment option that a person chose; NULL: nobody did */
  char *language;     /* of the texts, the tag of a bundle; NULL: the envelope's own */
  struct vmf_xml *xml;
  const char *uri; /* the envelope's namespace, of its attributes, too; in xml */
  enum vmf_ovf_version version;
  enum vmf_ovf_dialect dialect;
  struct vmf_ovf_file *files;
  size_t file_count;
  struct vmf_ovf_disk *disks;
  size_t disk_count;
  struct vmf_ovf_network *networks;
  size_t network_count;
  struct vmf_ovf_configuration *configurations;
  size_t configuration_count;
  struct vmf_ovf_system *systems; /* document order: a collection before what is in it */
  size_t system_count;
  struct vmf_ovf_unknown *unknown;
  size_t unknown_count;
  bool encrypted;            /* an EncryptionSection, or xenc: elements */
  size_t references_element; /* SIZE_MAX: none; the same for the next */
  size_t disk_section_element;
  struct vmf_ovf_index *files_by_id, *disks_by_id, *properties_by_key; /* model.c's */
};

/* Reads a descriptor, tolerantly: only what makes no sense at all is refused (no XML, no Envelope,
 * a namespace that is none of the three; oVirt's dialect "…/envelope/1/" is read too). Odd things
 * are told to `report` (NULL: nobody). The caller frees *ovf with vmf_ovf_free. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_read(const char *name, const void *bytes, size_t length,
                                          struct vmf_report *report, struct vmf_ovf **ovf,
                                          struct vmf_error *error);
/* What a person asks of a descriptor. */
struct vmf_ovf_asked {
  const struct vmf_install_options *install; /* what is chosen; NULL: nothing */
  /* For the texts (language.h); "": the descriptor's own. NULL: nobody reads them, and no file is
   * opened for them. */
  const char *language;
  /* The bytes of a file with texts, a fresh block with a NUL behind. `name` is for messages; file
   * NULL: References has none. *bytes stays NULL where they cannot be had, and that was told. */
  enum vmf_code (*load)(void *data, const char *name, const struct vmf_ovf_file *file, size_t limit,
                        char **bytes, size_t *length, struct vmf_error *error);
  /* Told why those that came are of no use. */
  void (*tell)(void *data, const char *name, const char *why);
  void *data;
};

/* The same as it is when somebody asks so; asked NULL: nobody does. VMF_USAGE: it has no such
 * option or property, or the property does not take the value. */
VMF_MUST_CHECK enum vmf_code vmf_ovf_read_for(const char *name, const void *bytes, size_t length,
                                              const struct vmf_ovf_asked *asked,
                                              struct vmf_report *report, struct vmf_ovf **ovf,
                                              struct vmf_error *error);
void vmf_ovf_free(struct vmf_ovf *ovf); /* NULL is allowed */

/* By id; NULL: none. Of several with the same id the first. In oVirt's dialect, which refers to
 * both by the file's path, also by that. */
const struct vmf_ovf_file *vmf_ovf_file(const struct vmf_ovf *ovf, const char *id);
const struct vmf_ovf_disk *vmf_ovf_disk(const struct vmf_ovf *ovf, const char *id);

/* The disk id or file id that a HostResource names: "ovf:/disk/ID", "/disk/ID", "ovf://disk/ID",
 * a bare id (of a disk); *is_file tells which. NULL: neither. Points into `resource`. */
const char *vmf_ovf_host_resource(const char *resource, bool *is_file);

/* Resolves the %-escapes of an href in place (RFC 3986, section 2.1); what is none stays. */
void vmf_ovf_decode_href(char *href);

/* "${key}": the default value of that property in any ProductSection, or NULL; text that is no such
 * reference is returned as it is. */
const char *vmf_ovf_resolve(const struct vmf_ovf *ovf, const char *text);

/* The deployment option that counts: that which a person chose, else the default; NULL: there are
 * none. */
const char *vmf_ovf_usual(const struct vmf_ovf *ovf);

/* Whether an item is there in the deployment option that counts. */
bool vmf_ovf_is_usual(const struct vmf_ovf *ovf, const struct vmf_ovf_item *item);

/* The quantity of memory in bytes: without a unit, or with one that is none, it is MiB, as every
 * consumer takes it. Beyond 64 bits: UINT64_MAX. */
uint64_t vmf_ovf_memory_bytes(const struct vmf_ovf_item *item);

/* Bytes of one unit: "byte", "byte * 2^30", "byte*2 ^ 20", "byte * 1024 * 1024", "MegaBytes", "GB"
 * (powers of 1024). false: not a unit of bytes. */
bool vmf_units_bytes(const char *text, uint64_t *bytes);

#endif
