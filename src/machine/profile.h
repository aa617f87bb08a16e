/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A platform that disks and machines are made for, as one row of data: what it takes, in which form
 * vmferry writes it, and where that is written. Converting and judging (lint) read the same row. */
#ifndef VMF_MACHINE_PROFILE_H
#define VMF_MACHINE_PROFILE_H

#include "machine_format.h"
#include "vmferry.h"

/* A kind of controller that the platform has. */
struct vmf_profile_controller {
  enum vmf_bus bus;  /* VMF_BUSES: the list ends */
  const char *model; /* of the neutral machine; NULL: whatever is told */
  unsigned hardware; /* the first vmx-NN that has it; 0: all */
};

/* A release of the platform, and the virtual hardware that came with it. */
struct vmf_profile_release {
  const char *version; /* "7.0"; NULL: the list ends. The newest comes last */
  unsigned hardware;   /* the highest vmx-NN that it takes */
};

struct vmf_profile {
  struct vmf_profile_info info;
  /* Those that drives may be on, the first of them for drives that are on none of these; NULL: what
   * the writer of the machine's format makes of it. */
  const struct vmf_profile_controller *controllers;
  const char *const *nics; /* the same of network cards; ends with NULL; or NULL */
  /* What --drivers virtio asks for: bus VMF_BUSES: drives stay; virtio_nic NULL: the platform has
   * no virtio. */
  struct vmf_profile_controller virtio;
  const char *virtio_nic;
  const struct vmf_profile_release *releases; /* or NULL */
  bool composes;      /* a package is described anew for it, since its importer asks for more than
                       * devices      that it has */
  bool ovmf;          /* its EFI firmware is OVMF, which has no driver for LSI */
  const char *groups; /* of rules that are asked besides those for all: "VMW"; blanks between */
};

extern const struct vmf_profile vmf_profiles[];
extern const size_t vmf_profile_count;

/* A platform as a person names it: "esxi", "esxi@7.0". */
struct vmf_platform {
  const struct vmf_profile *profile;
  const struct vmf_profile_release *release; /* NULL: not said */
};

/* VMF_USAGE: there is none of that name, or no such release; lists those that there are. */
VMF_MUST_CHECK enum vmf_code vmf_platform_find(const char *name, struct vmf_platform *platform,
                                               struct vmf_error *error);

/* Whether machines go there in that format. */
bool vmf_profile_takes(const struct vmf_profile_info *info, const char *format);

/* The highest vmx-NN that the platform takes; UINT_MAX: not known. */
unsigned vmf_platform_hardware(const struct vmf_platform *platform);

/* The family of hardware that a new machine gets there; NULL: any. */
const char *vmf_platform_family(const struct vmf_platform *platform);

/* The digest of a package's manifest there: what is asked for, or what the release takes. */
const char *vmf_platform_digest(const struct vmf_platform *platform, const char *asked);

/* Whether ESXi has this vmx-NN at all: some are of hosted products only. */
bool vmf_hardware_is_hosted_only(unsigned hardware);

/* From which vmx-NN on there is EFI firmware, and secure boot. */
enum { VMF_EFI_HARDWARE = 8, VMF_SECURE_HARDWARE = 13 };

/* Whether it takes this vmx-NN; and the one that a machine of these families (words, a list; may be
 * NULL) gets there: its own, where it may stay. profile_fit.c. */
bool vmf_platform_takes_hardware(const struct vmf_platform *platform, unsigned hardware);
unsigned vmf_platform_hardware_for(const struct vmf_platform *platform, const char *families);

/* Whether the platform has such a controller; model NULL: not told. */
bool vmf_platform_has_controller(const struct vmf_platform *platform, enum vmf_bus bus,
                                 const char *model);
/* The first kind that it has, in its release; bus VMF_BUSES: any. */
const struct vmf_profile_controller *vmf_platform_controller(const struct vmf_platform *platform);
bool vmf_profile_has_nic(const struct vmf_profile *profile, const char *model);

/* ---- profile_fit.c ---- */

struct vmf_fit {
  struct vmf_platform platform;
  bool virtio;  /* drives and cards get these drivers */
  bool package; /* it goes into a package, which names a family of hardware */
};

/* The machine as the platform takes it: a copy whose drives and cards are the same in number and
 * order, without snapshots, and whose texts belong partly to `machine`: freed with vmf_machine_free
 * before that. What becomes another is told as reasons. VMF_USAGE: the platform has no virtio. */
VMF_MUST_CHECK enum vmf_code vmf_profile_fit(const struct vmf_fit *fit,
                                             const struct vmf_machine *machine,
                                             const struct vmf_machine_losses *losses,
                                             struct vmf_machine **fitted, struct vmf_error *error);

#endif
