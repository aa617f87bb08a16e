/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The neutral machine: what every vendor's description of a virtual machine is read into, and
 * written from. No vendor's name, unit or default stands here: a format (format.h) translates at
 * the edge. Nothing is invented: what the source does not say is not told here, and each writer has
 * defaults of its own. All texts are UTF-8 and, like the lists, belong to the machine.
 *
 * fields.h has the same as tables, so that showing, comparing and losing are written once; a member
 * that is added here needs its row there. */
#ifndef VMF_MACHINE_MACHINE_H
#define VMF_MACHINE_MACHINE_H

#include <stdbool.h>

#include "error.h"
#include "guest_os.h"

/* What a source says, and in which line of its text; line 0: not from a text. */
struct vmf_told_text {
  const char *text; /* NULL: not told */
  unsigned line;
};

struct vmf_told_number { /* also a word of one of the enums below, a flag (0, 1), a signed number
                          * as int64_t */
  uint64_t value;
  bool told;
  unsigned line;
};

struct vmf_told_id {
  uint8_t bytes[16];
  bool told;
  unsigned line;
};

/* ---- words ---- */

enum vmf_arch { VMF_ARCH_X86_64, VMF_ARCH_I686, VMF_ARCH_AARCH64, VMF_ARCH_PPC64, VMF_ARCH_S390X };
enum vmf_firmware { VMF_FIRMWARE_BIOS, VMF_FIRMWARE_EFI };
enum vmf_secure_boot { VMF_SECURE_BOOT_OFF, VMF_SECURE_BOOT_ON, VMF_SECURE_BOOT_MICROSOFT };
enum vmf_tpm { VMF_TPM_NONE, VMF_TPM_1_2, VMF_TPM_2_0 };
enum vmf_clock { VMF_CLOCK_UTC, VMF_CLOCK_LOCALTIME };
enum vmf_bus {
  VMF_BUS_IDE,
  VMF_BUS_SCSI,
  VMF_BUS_SATA,
  VMF_BUS_NVME,
  VMF_BUS_VIRTIO, /* virtio-blk: each disk its own */
  VMF_BUS_USB,
  VMF_BUS_FLOPPY,
  VMF_BUS_XEN, /* paravirtual */
  VMF_BUSES,
};
enum vmf_medium { VMF_MEDIUM_DISK, VMF_MEDIUM_CDROM, VMF_MEDIUM_FLOPPY, VMF_MEDIUM_LUN };
enum vmf_disk_mode {
  VMF_MODE_PERSISTENT,
  VMF_MODE_INDEPENDENT, /* persistent, but not part of snapshots */
  VMF_MODE_TRANSIENT,   /* what is written is lost when it stops */
};
enum vmf_attach {
  VMF_ATTACH_BRIDGE,   /* to a network or bridge of the host, which `network` names */
  VMF_ATTACH_NAT,      /* also "user" */
  VMF_ATTACH_HOSTONLY, /* host and guests */
  VMF_ATTACH_INTERNAL, /* guests only */
  VMF_ATTACH_SDN,      /* a distributed switch's port: no name that means anything elsewhere */
  VMF_ATTACH_NONE,
};
enum vmf_mac_origin { VMF_MAC_STATIC, VMF_MAC_GENERATED, VMF_MAC_ASSIGNED /* by a manager */ };
enum vmf_backend {
  VMF_BACKEND_NONE,
  VMF_BACKEND_FILE,
  VMF_BACKEND_PIPE,
  VMF_BACKEND_TCP,
  VMF_BACKEND_SOCKET,
  VMF_BACKEND_DEVICE,
  VMF_BACKEND_PTY,
};

/* ---- lists ---- */

struct vmf_machine_controller {
  struct vmf_told_number bus;   /* enum vmf_bus; always told */
  struct vmf_told_number index; /* among those of its bus; always told */
  /* A family that guests need a driver for, one spelling for all vendors: lsilogic, lsisas1068,
   * buslogic, pvscsi, virtio-scsi, lsi53c895a (QEMU's "lsi"; another chip than lsilogic), hyperv,
   * piix3, piix4, ich6, ahci, nvme, piix3-uhci, ehci, nec-xhci, qemu-xhci, ... */
  struct vmf_told_text model;
  struct vmf_told_number ports;
  struct vmf_told_number shared; /* flag: several machines may use its disks at once */
};

struct vmf_machine_disk {
  struct vmf_told_number medium; /* enum vmf_medium; always told */
  struct vmf_told_number bus, controller,
      unit; /* enum vmf_bus, index of the controller on it, place on that; bus is always told */
  /* The image as the source names it: a path, or a disk of the container that the machine came in
   * (in_container); of a drive for media the one that is in it. NULL: an empty drive, or one whose
   * content is elsewhere. */
  struct vmf_told_text image;
  bool in_container;
  bool on_storage; /* image is a volume of a storage that was named (struct vmf_machine_source), by
                    * "STORAGE:VOLUME"; one that was not is elsewhere */
  /* For people, where the content is when it is no file that could be opened: "network rbd
   * pool/image", "volume default vm.img"; image is then NULL. */
  struct vmf_told_text elsewhere;
  struct vmf_told_text
      image_snapshot;                /* the one inside of the image that is meant; not told: none */
  struct vmf_told_text image_format; /* a disk format's name; not told: asked of the content */
  struct vmf_told_number capacity;   /* of the guest disk, bytes */
  struct vmf_told_number read_only, shared, connected, ssd, discard; /* flags */
  struct vmf_told_number mode;                                       /* enum vmf_disk_mode */
  struct vmf_told_text cache; /* none, writeback, writethrough, directsync, unsafe */
  struct vmf_told_text serial, wwn;
  struct vmf_told_number boot; /* 1 is tried first */
};

struct vmf_machine_nic {
  struct vmf_told_text model; /* e1000, e1000e, vmxnet3, vmxnet, vmxnet2, pcnet32, virtio, rtl8139,
                               * netvsc, netfront, ... */
  struct vmf_told_text mac;   /* "00:50:56:00:00:01", lower case */
  struct vmf_told_number mac_origin; /* enum vmf_mac_origin */
  struct vmf_told_number attach;     /* enum vmf_attach */
  struct vmf_told_text network;      /* of the host, by its name there */
  struct vmf_told_number vlan, mtu, queues;
  struct vmf_told_number rate;            /* bytes a second */
  struct vmf_told_number connected, link; /* flags: when it starts; the cable */
  struct vmf_told_number boot;            /* 1 is tried first */
  struct vmf_told_number pci_slot;        /* guests name their interfaces after it */
};

struct vmf_machine_port {          /* serial or parallel */
  struct vmf_told_number parallel; /* flag; always told */
  struct vmf_told_number backend;  /* enum vmf_backend */
  struct vmf_told_text path;       /* of the host: means nothing elsewhere */
};

struct vmf_machine_snapshot {
  struct vmf_told_text id, parent, name, description; /* parent: an id; not told: at the root */
  struct vmf_told_number time;                        /* seconds since 1970-01-01 UTC */
  struct vmf_told_number has_memory;                  /* flag */
  struct vmf_told_number current;                     /* flag: the machine goes on from this one */
  const char **images; /* of disks[n], as the source names it; NULL: not in this snapshot */
  size_t image_count;
};

/* What has no place above. Kept so that it can be written to a file of the same vendor again, and
 * told as a loss elsewhere. */
struct vmf_machine_extra {
  const char *vendor; /* the machine format's name */
  const char *key;    /* as the format calls it: "sched.cpu.units", "devices/hostdev" */
  const char *value;  /* its text, or the XML of the element */
  unsigned line;
  bool known;  /* false: the format does not know what it means */
  bool secret; /* a password: its value is never shown */
  bool given;  /* the guest is told by it what was asked for: written although it is secret */
};

/* ---- the machine ---- */

struct vmf_machine {
  struct vmf_told_text name, description;
  struct vmf_told_id uuid;     /* of the SMBIOS table, in the order in which the guest prints it */
  struct vmf_told_id genid;    /* as in the guest's memory */
  struct vmf_told_number arch; /* enum vmf_arch */
  struct vmf_told_text os;     /* by vmf_machine_set_os: one spelling for all vendors */
  struct vmf_told_text os_source;     /* as the source says it */
  struct vmf_told_number firmware;    /* enum vmf_firmware */
  struct vmf_told_number secure_boot; /* enum vmf_secure_boot */
  struct vmf_told_text nvram; /* path of the file with firmware variables: one vendor's only */
  struct vmf_told_number tpm; /* enum vmf_tpm */
  struct vmf_told_number vcpus, vcpus_online;
  struct vmf_told_number sockets, dies, cores, threads; /* dies a socket, cores a die, ... */
  /* QEMU's name of a model, or "host", "max", "host-model"; "+aes -pcid". */
  struct vmf_told_text cpu_model, cpu_flags;
  struct vmf_told_number nested;                    /* flag: it may run machines itself */
  struct vmf_told_number memory;                    /* bytes */
  struct vmf_told_number memory_least, memory_most; /* bytes, of a balloon */
  struct vmf_told_number cpu_hotadd, memory_hotadd; /* flags */
  struct vmf_told_number clock;                     /* enum vmf_clock */
  struct vmf_told_number clock_offset;              /* signed, seconds */
  struct vmf_told_text boot;         /* classes in their order: "disk,cdrom,network,floppy" */
  struct vmf_told_number boot_delay; /* milliseconds */
  struct vmf_told_number usb1, usb2, usb3, tablet; /* flags: a controller, a pointer */
  struct vmf_told_text sound;                      /* hda, ac97, es1370, sb16 */
  struct vmf_told_text video;                      /* vga, vmvga, virtio, qxl, cirrus, vbox, none */
  struct vmf_told_number video_memory, video_heads; /* bytes; count */
  struct vmf_told_number video_3d;                  /* flag */
  struct vmf_told_number autostart;                 /* flag */
  struct vmf_told_number start_order;
  struct vmf_told_text hw_version;  /* as its vendor says it: "vmx-13", "pc-q35-7.2" */
  struct vmf_told_number suspended; /* flag: it has a saved state, which is lost */
  /* flag: what it is made of cannot be read here: it is shown as far as that goes, and not
   * converted. */
  struct vmf_told_number encrypted;

  struct vmf_machine_controller *controllers;
  size_t controller_count, controller_room;
  struct vmf_machine_disk *disks; /* drives without a medium among them */
  size_t disk_count, disk_room;
  struct vmf_machine_nic *nics;
  size_t nic_count, nic_room;
  struct vmf_machine_port *ports;
  size_t port_count, port_room;
  struct vmf_machine_snapshot *snapshots;
  size_t snapshot_count, snapshot_room;
  struct vmf_machine_extra *extras;
  size_t extra_count, extra_room;
  size_t extra_key_bytes; /* of all their keys */

  struct vmf_machine_text *texts; /* all that belong to it */
};

/* Bounds on what a source may claim. */
enum {
  VMF_MACHINE_CPUS = 4096,
  VMF_MACHINE_DEVICES = 4096, /* of one kind */
  VMF_MACHINE_EXTRAS = 65536,
  VMF_MACHINE_KEYS = 16 << 20,   /* bytes of the extras' keys, which repeat what they are in */
  VMF_MACHINE_SOURCE = 16 << 20, /* bytes of a machine's text */
};

/* A machine of which nothing is told. Freed with vmf_machine_free. One thread at a time uses it. */
VMF_MUST_CHECK enum vmf_code vmf_machine_new(struct vmf_machine **machine, struct vmf_error *error);
void vmf_machine_free(struct vmf_machine *machine); /* NULL is allowed */

/* The same drives, cards and the rest in the same order, without snapshots; its texts belong partly
 * to `machine`: it is freed before that, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_machine_copy(const struct vmf_machine *machine,
                                              struct vmf_machine **copy, struct vmf_error *error);

/* Copies a text into the machine. text == NULL: *told is not told. */
VMF_MUST_CHECK enum vmf_code vmf_machine_text(struct vmf_machine *machine, const char *text,
                                              unsigned line, struct vmf_told_text *told,
                                              struct vmf_error *error);
/* printf into it. */
VMF_MUST_CHECK enum vmf_code vmf_machine_format_text(struct vmf_machine *machine, unsigned line,
                                                     struct vmf_told_text *told,
                                                     struct vmf_error *error, const char *format,
                                                     ...) __attribute__((format(printf, 5, 6)));

static inline struct vmf_told_number vmf_told(uint64_t value, unsigned line)
{
  return (struct vmf_told_number){.value = value, .told = true, .line = line};
}

/* The value, or `silent` where none is told. */
static inline uint64_t vmf_told_or(struct vmf_told_number number, uint64_t silent)
{
  return number.told ? number.value : silent;
}

/* Each appends one element of which nothing is told; the pointer is good until the next one of its
 * list. VMF_LIMIT: there are VMF_MACHINE_DEVICES. */
VMF_MUST_CHECK enum vmf_code vmf_machine_add_controller(struct vmf_machine *machine,
                                                        struct vmf_machine_controller **controller,
                                                        struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_machine_add_disk(struct vmf_machine *machine,
                                                  struct vmf_machine_disk **disk,
                                                  struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_machine_add_nic(struct vmf_machine *machine,
                                                 struct vmf_machine_nic **nic,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_machine_add_port(struct vmf_machine *machine,
                                                  struct vmf_machine_port **port,
                                                  struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_machine_add_snapshot(struct vmf_machine *machine,
                                                      struct vmf_machine_snapshot **snapshot,
                                                      struct vmf_error *error);
/* Copies key and value. */
VMF_MUST_CHECK enum vmf_code vmf_machine_add_extra(struct vmf_machine *machine, const char *vendor,
                                                   const char *key, const char *value,
                                                   unsigned line, bool known,
                                                   struct vmf_error *error);

/* Whether it is a drive for media, not a disk. */
static inline bool vmf_machine_removable(const struct vmf_machine_disk *disk)
{
  return disk->medium.value == VMF_MEDIUM_CDROM || disk->medium.value == VMF_MEDIUM_FLOPPY;
}

/* The controller of that bus and index, or NULL. */
struct vmf_machine_controller *vmf_machine_controller(const struct vmf_machine *machine,
                                                      enum vmf_bus bus, uint64_t index);

/* The value of an extra, the first of that vendor and key; NULL: none. */
const char *vmf_machine_extra(const struct vmf_machine *machine, const char *vendor,
                              const char *key);

/* Sets os and os_source. row == NULL: only os_source. */
VMF_MUST_CHECK enum vmf_code vmf_machine_set_os(struct vmf_machine *machine,
                                                const struct vmf_guest_os *row, const char *source,
                                                unsigned line, struct vmf_error *error);
/* The row of machine->os; NULL: not told. */
const struct vmf_guest_os *vmf_machine_os(const struct vmf_machine *machine);

/* That of its row; VMF_OS_OTHER, too: none is told. */
enum vmf_os_family vmf_machine_family(const struct vmf_machine *machine);

/* What the clock shows that the guest starts with: as told; where nothing is, what the guest takes
 * it for: Windows local time, all others UTC. */
enum vmf_clock vmf_machine_clock(const struct vmf_machine *machine);

/* "00-50-56-00-00-01", "0050.5600.0001", "005056000001", ... to "00:50:56:00:00:01". All zeros: not
 * told. VMF_CORRUPT: no address of one card; `what` names its place in the message. */
VMF_MUST_CHECK enum vmf_code vmf_machine_set_mac(struct vmf_machine *machine, const char *what,
                                                 const char *text, unsigned line,
                                                 struct vmf_machine_nic *nic,
                                                 struct vmf_error *error);

#endif
