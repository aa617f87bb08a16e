/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What platforms refuse, a row of data each: which group of platforms asks it (the `groups` of
 * src/machine/profile.h), what the vendor prints, what a conversion does about it, and where that
 * is written. The checkers beside it say where, what was found and what is accepted. */
#ifndef VMF_LINT_LINT_RULES_H
#define VMF_LINT_LINT_RULES_H

#include "image.h"
#include "package.h"
#include "profile.h"

enum vmf_lint_id {
  VMF_LINT_VMW_FAMILY,
  VMF_LINT_VMW_HWVER,
  VMF_LINT_VMW_HWOLD,
  VMF_LINT_VMW_OVF2,
  VMF_LINT_VMW_ORDER,
  VMF_LINT_VMW_TAR,
  VMF_LINT_VMW_MF,
  VMF_LINT_VMW_VMDKVER,
  VMF_LINT_VMW_DISKTYPE,
  VMF_LINT_VMW_COMPRESS,
  VMF_LINT_VMW_CAPACITY,
  VMF_LINT_VMW_CONN,
  VMF_LINT_VMW_SUBTYPE,
  VMF_LINT_VMW_AHCI,
  VMF_LINT_VMW_DEVICE,
  VMF_LINT_VMW_DIGEST,
  VMF_LINT_VMW_GUESTOS,
  VMF_LINT_VMW_EXTRA,
  VMF_LINT_VMW_BUSLOGIC,
  VMF_LINT_VMW_EFI_LOST,
  VMF_LINT_VMW_RDM,
  VMF_LINT_WS_BOOTORDER,
  VMF_LINT_WS_PCIBRIDGE,
  VMF_LINT_VBX_UNITS,
  VMF_LINT_VBX_PARENT,
  VMF_LINT_VBX_CPU,
  VMF_LINT_VBX_EFI,
  VMF_LINT_VBX_OTHER,
  VMF_LINT_VBX_VMDK,
  VMF_LINT_VBX_TOPOLOGY,
  VMF_LINT_VBX_IOAPIC,
  VMF_LINT_VBX_NAME,
  VMF_LINT_VBX_UUID,
  VMF_LINT_HV_VHDMAX,
  VMF_LINT_HV_SPARSE,
  VMF_LINT_HV_GEN,
  VMF_LINT_HV_LOG,
  VMF_LINT_HV_SB,
  VMF_LINT_AZ_FIXED,
  VMF_LINT_AZ_ALIGN,
  VMF_LINT_AZ_FOOTER,
  VMF_LINT_AZ_BAT,
  VMF_LINT_AZ_OSMAX,
  VMF_LINT_AZ_DRIVERS,
  VMF_LINT_AZ_SWAP,
  VMF_LINT_AZ_GEN,
  VMF_LINT_AWS_FORMAT,
  VMF_LINT_AWS_SESPARSE,
  VMF_LINT_AWS_VOLS,
  VMF_LINT_AWS_BITS,
  VMF_LINT_AWS_UEFI,
  VMF_LINT_AWS_MBR,
  VMF_LINT_AWS_GUEST,
  VMF_LINT_GCE_NAME,
  VMF_LINT_GCE_TAR,
  VMF_LINT_GCE_GIB,
  VMF_LINT_GCE_GZ,
  VMF_LINT_GCE_UEFI,
  VMF_LINT_GCE_OVF,
  VMF_LINT_OS_SAFETY,
  VMF_LINT_OS_OVA,
  VMF_LINT_OS_PROPS,
  VMF_LINT_OS_RAW,
  VMF_LINT_PVE_NAMES,
  VMF_LINT_PVE_OVF,
  VMF_LINT_PVE_MEMUNIT,
  VMF_LINT_PVE_NIC,
  VMF_LINT_PVE_EFI,
  VMF_LINT_PVE_LSI_OVMF,
  VMF_LINT_PVE_LIMITS,
  VMF_LINT_PVE_VMA,
  VMF_LINT_PVE_BOOT,
  VMF_LINT_XEN_VHDMAX,
  VMF_LINT_XEN_VERSION,
  VMF_LINT_XEN_PLATFORM,
  VMF_LINT_XEN_PCPUS,
  VMF_LINT_XEN_MAC,
  VMF_LINT_XEN_4TB,
  VMF_LINT_KV_FORMAT,
  VMF_LINT_KV_NVME,
  VMF_LINT_KV_IDEQ35,
  VMF_LINT_KV_FWSMM,
  VMF_LINT_KV_NAME,
  VMF_LINT_K8S_NAME,
  VMF_LINT_CDI_SCRATCH,
  VMF_LINT_OVIRT_REF,
  VMF_LINT_FORMAT,
  VMF_LINT_FW_MISMATCH,
  VMF_LINT_FW_NVRAM,
  VMF_LINT_DRV_BOOT,
  VMF_LINT_DISK_4K,
  VMF_LINT_GPT_TAIL,
  VMF_LINT_GPT_WRONG,
  VMF_LINT_SNAP,
  VMF_LINT_CHAIN,
  VMF_LINT_SIZE_ROUND,
  VMF_LINT_NET_MAP,
  VMF_LINT_SECRET,
  VMF_LINT_LEGACY_IDE,
  VMF_LINT_UNREADABLE,
  VMF_LINT_UNJUDGED,
  VMF_LINT_IDS,
};

/* What is judged; a package and another file of a machine are also one or several machines. */
enum vmf_lint_about { VMF_LINT_PACKAGE = 1, VMF_LINT_DISK = 2, VMF_LINT_MACHINE = 4 };

struct vmf_lint_rule {
  const char *id, *group; /* group NULL: asked of all platforms */
  enum vmf_severity severity;
  unsigned about;     /* in which of enum vmf_lint_about it is asked */
  const char *prints; /* by the vendor's program; NULL: not known for sure */
  const char *remedy; /* what `convert --for` does */
  const char *source;
};

extern const struct vmf_lint_rule vmf_lint_rules[VMF_LINT_IDS];
extern const char *const vmf_lint_texts[VMF_LINT_IDS]; /* what it finds, a sentence */

/* One judgement of one file. */
struct vmf_linting {
  struct vmf_platform platform;
  unsigned about; /* of enum vmf_lint_about */
  struct vmf_lint_options options;
  struct vmf_lint_result *result;
};

/* Whether the platform asks that rule of what is judged. */
bool vmf_lint_asks(const struct vmf_linting *linting, enum vmf_lint_id id);

/* Whether the platform has rules of its own about these: what is asked of all vouches for none. */
bool vmf_lint_has_rules(const struct vmf_linting *linting, unsigned about);

/* Where something is, and what is accepted there. */
struct vmf_lint_place {
  const char *file; /* of the package; NULL: the file that was named */
  unsigned line;    /* in it; 0: none */
  const char *allowed;
};

/* Tells a violated rule, where the platform asks it. The format gives what was found. */
void vmf_lint_tell(struct vmf_linting *linting, enum vmf_lint_id id,
                   const struct vmf_lint_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- the checkers ---- */

void vmf_lint_descriptor(struct vmf_linting *linting, const struct vmf_package *package);
VMF_MUST_CHECK enum vmf_code vmf_lint_archive(struct vmf_linting *linting,
                                              const struct vmf_package *package,
                                              struct vmf_error *error);
void vmf_lint_manifest(struct vmf_linting *linting, const struct vmf_package *package);

/* path: as it was named; NULL: a disk of a package. */
VMF_MUST_CHECK enum vmf_code vmf_lint_disk(struct vmf_linting *linting, struct vmf_image *image,
                                           const char *path, const struct vmf_lint_place *place,
                                           struct vmf_error *error);

#endif
