/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What each rule finds, as the manual says it (vmferry-findings(7)). */
#include "lint_rules.h"

const char *const vmf_lint_texts[VMF_LINT_IDS] = {
    [VMF_LINT_VMW_FAMILY] =
        "The hardware of a package is of a family that is not VMware's (vmx-NN).",
    [VMF_LINT_VMW_HWVER] = "The version of the hardware is newer than the release takes, or, for "
                           "ESXi, one of hosted products (vmx-06, vmx-12, vmx-16).",
    [VMF_LINT_VMW_HWOLD] = "Hardware older than vmx-11, which ESXi 7 and later may refuse.",
    [VMF_LINT_VMW_OVF2] = "A descriptor of OVF 2.",
    [VMF_LINT_VMW_ORDER] = "The descriptor is not the first thing in the archive.",
    [VMF_LINT_VMW_TAR] = "An archive with extended headers of POSIX (pax).",
    [VMF_LINT_VMW_MF] =
        "A line of the manifest begins otherwise than with SHA1(, SHA256( or SHA512(.",
    [VMF_LINT_VMW_VMDKVER] = "A streamOptimized VMDK of version 1 or 2.",
    [VMF_LINT_VMW_DISKTYPE] =
        "A disk in a form that ESXi does not import, such as a sparse VMDK of a hosted product.",
    [VMF_LINT_VMW_COMPRESS] = "A file of the package is packed by itself.",
    [VMF_LINT_VMW_CAPACITY] = "The descriptor gives a disk another size than it has.",
    [VMF_LINT_VMW_CONN] = "A network card on a network that the NetworkSection does not have.",
    [VMF_LINT_VMW_SUBTYPE] =
        "A SCSI, SATA, NVMe or IDE controller or a network card in words that are not VMware's.",
    [VMF_LINT_VMW_AHCI] = "A SATA controller in VirtualBox's words: the client of an ESXi host "
                          "takes it, vCenter may not.",
    [VMF_LINT_VMW_DEVICE] = "A sound card (type 35) that is required.",
    [VMF_LINT_VMW_DIGEST] = "A stream (streamOptimized) that does not end with its footer and end "
                            "marker, or has something behind them.",
    [VMF_LINT_VMW_GUESTOS] = "A guest system (vmw:osType) that VMware does not know.",
    [VMF_LINT_VMW_EXTRA] = "vmw:ExtraConfig, which ESXi skips or refuses where it is not allowed.",
    [VMF_LINT_VMW_BUSLOGIC] = "BusLogic for a guest of 64 bits.",
    [VMF_LINT_VMW_EFI_LOST] =
        "EFI firmware and a vmw:BootOrderSection: it is imported with a BIOS.",
    [VMF_LINT_VMW_RDM] = "A device of the host, or disks that several machines share.",
    [VMF_LINT_WS_BOOTORDER] =
        "bios.bootOrder in a .vmx with EFI firmware: Workstation waits at a question.",
    [VMF_LINT_WS_PCIBRIDGE] =
        "A .vmx without PCI Express bridges: it stops before it is switched on.",
    [VMF_LINT_VBX_UNITS] = "Memory in a unit that VirtualBox does not know, or the capacity of a "
                           "disk in another one than bytes.",
    [VMF_LINT_VBX_PARENT] = "A drive without a controller, a controller without InstanceID, or one "
                            "of a kind that VirtualBox does not have.",
    [VMF_LINT_VBX_CPU] = "Not 1 to 64 processors, or not 4 MiB to 2 TiB of memory.",
    [VMF_LINT_VBX_EFI] =
        "EFI firmware that only VMware's key tells: VirtualBox starts the machine with a BIOS.",
    [VMF_LINT_VBX_OTHER] = "A required device of a type that VirtualBox does not import.",
    [VMF_LINT_VBX_VMDK] = "A VMDK whose descriptor does not begin with \"# Disk DescriptorFile\".",
    [VMF_LINT_VBX_TOPOLOGY] =
        "Processors in several sockets or threads, which VirtualBox cannot say.",
    [VMF_LINT_VBX_IOAPIC] = "Several processors without an I/O APIC: the guest sees one.",
    [VMF_LINT_VBX_NAME] = "A name that is no name of a folder.",
    [VMF_LINT_VBX_UUID] =
        "A disk whose own id is not the one by which the machine knows it: it is not attached.",
    [VMF_LINT_HV_VHDMAX] = "A VHD of more than 2040 GiB.",
    [VMF_LINT_HV_SPARSE] = "A file that Windows keeps as sparse, compressed or encrypted, as NTFS "
                           "or a Windows server tells.",
    [VMF_LINT_HV_GEN] =
        "Generation 1 that does not start from IDE; generation 2 with IDE, a floppy or a VHD.",
    [VMF_LINT_HV_LOG] = "A VHDX whose log was not written back.",
    [VMF_LINT_HV_SB] =
        "Linux with secure boot needs the template MicrosoftUEFICertificateAuthority.",
    [VMF_LINT_AZ_FIXED] = "Not a fixed VHD.",
    [VMF_LINT_AZ_ALIGN] = "The size of the disk is no multiple of 1 MiB.",
    [VMF_LINT_AZ_FOOTER] = "The sizes in the footer of a VHD and that of the file do not agree, or "
                           "its creator is one whose disks are counted in cylinders.",
    [VMF_LINT_AZ_BAT] = "A dynamic VHD whose block table has more entries than its size needs.",
    [VMF_LINT_AZ_OSMAX] = "More than 1023 GiB, where a system starts from the disk.",
    [VMF_LINT_AZ_DRIVERS] =
        "Linux that has not run on Hyper-V: it needs hv_vmbus, hv_storvsc and hv_netvsc to start.",
    [VMF_LINT_AZ_SWAP] = "A partition for swap or LVM on the disk.",
    [VMF_LINT_AZ_GEN] = "A disk that starts by EFI alone needs an image of generation 2.",
    [VMF_LINT_AWS_FORMAT] = "Not raw, streamOptimized, VHD or VHDX, or a disk with a parent.",
    [VMF_LINT_AWS_SESPARSE] = "A seSparse delta.",
    [VMF_LINT_AWS_VOLS] = "More than 21 disks.",
    [VMF_LINT_AWS_BITS] = "Linux of 32 bits.",
    [VMF_LINT_AWS_UEFI] = "A disk that starts by EFI alone needs the boot mode uefi.",
    [VMF_LINT_AWS_MBR] = "A disk of more than 2 TiB with an MBR: no system starts from it.",
    [VMF_LINT_AWS_GUEST] = "Several network cards, or a CD in its drive.",
    [VMF_LINT_GCE_NAME] = "Not a .tar.gz that holds disk.raw and nothing else.",
    [VMF_LINT_GCE_GIB] = "The size of the disk is no multiple of 1 GiB.",
    [VMF_LINT_GCE_TAR] = "An archive that is not GNU's.",
    [VMF_LINT_GCE_GZ] = "A disk that is packed by gzip without an archive (disk.raw.gz).",
    [VMF_LINT_GCE_UEFI] = "A disk that starts by EFI alone needs the feature UEFI_COMPATIBLE.",
    [VMF_LINT_GCE_OVF] = "A guest system that the import tool does not tell: it asks for --os.",
    [VMF_LINT_OS_SAFETY] = "A disk with a parent or a data file, or a VMDK that is neither "
                           "streamOptimized nor monolithicSparse.",
    [VMF_LINT_OS_OVA] = "A package with no disk, or several.",
    [VMF_LINT_OS_PROPS] = "A machine or a disk that starts only with properties of its image: "
                          "firmware, buses, cards.",
    [VMF_LINT_OS_RAW] =
        "A disk that is not raw: where Ceph keeps the images, each machine waits for a copy.",
    [VMF_LINT_PVE_NAMES] = "Names of files that the import refuses.",
    [VMF_LINT_PVE_OVF] =
        "What makes the import pass over a disk: another namespace, another form of HostResource, "
        "no controller of the types 5, 6 and 20, no address or one that is used twice.",
    [VMF_LINT_PVE_MEMUNIT] = "Memory in another unit than MiB: the number is taken for MiB.",
    [VMF_LINT_PVE_NIC] = "A card that becomes an e1000, or whose address is not read.",
    [VMF_LINT_PVE_EFI] = "EFI firmware without a disk for its variables.",
    [VMF_LINT_PVE_LSI_OVMF] = "A drive on LSI and EFI firmware, which has no driver for it.",
    [VMF_LINT_PVE_LIMITS] = "A number of a device that there is not (scsi31, net32).",
    [VMF_LINT_PVE_VMA] = "A backup that is not called as qmrestore needs it.",
    [VMF_LINT_PVE_BOOT] = "A start from a device that is not there.",
    [VMF_LINT_XEN_VHDMAX] = "A disk of more than 2040 GiB.",
    [VMF_LINT_XEN_VERSION] = "A machine of a later XAPI than 1.20.",
    [VMF_LINT_XEN_PLATFORM] =
        "Processors that do not fill their sockets; a device model that does not fit the firmware.",
    [VMF_LINT_XEN_PCPUS] =
        "More than 16 processors: a host that has fewer does not start the machine.",
    [VMF_LINT_XEN_MAC] =
        "Addresses of network cards, which an import renews unless it is told to keep them.",
    [VMF_LINT_XEN_4TB] = "A disk of more than 2 TiB: an import through Xen Orchestra breaks off.",
    [VMF_LINT_KV_FORMAT] = "A disk of which no format is told is taken for raw.",
    [VMF_LINT_KV_NVME] = "A disk on the bus \"nvme\", which libvirt has not (before 11).",
    [VMF_LINT_KV_IDEQ35] = "A drive on IDE of a q35 machine, which has none.",
    [VMF_LINT_KV_FWSMM] = "Secure boot needs a q35 machine with SMM.",
    [VMF_LINT_KV_NAME] = "A name with '/'.",
    [VMF_LINT_K8S_NAME] = "A name that is no label of RFC 1123.",
    [VMF_LINT_CDI_SCRATCH] =
        "A disk that is not raw needs scratch space of its whole size while it is imported.",
    [VMF_LINT_OVIRT_REF] =
        "A disk without a file, or attributes with another prefix than \"ovf:\".",
    [VMF_LINT_FORMAT] = "A machine in a format that the platform does not import.",
    [VMF_LINT_FW_MISMATCH] =
        "A machine with a BIOS, and a disk that starts by EFI alone; or the other way round. "
        "Partition tables tell it; file systems are not looked at.",
    [VMF_LINT_FW_NVRAM] = "An EFI system partition without \\EFI\\BOOT\\BOOTX64.EFI, which "
                          "firmware starts when its variables are empty.",
    [VMF_LINT_DRV_BOOT] = "A disk on a controller that the platform does not have.",
    [VMF_LINT_DISK_4K] =
        "A partition table, or a disk, for sectors of 4096 bytes: disks have 512 there.",
    [VMF_LINT_GPT_TAIL] = "A second partition table (GPT) that is not at the end of the disk.",
    [VMF_LINT_GPT_WRONG] = "A partition table (GPT) with wrong checksums or places, or a partition "
                           "that ends behind the disk.",
    [VMF_LINT_SNAP] = "A machine with snapshots.",
    [VMF_LINT_CHAIN] = "A disk without its parents.",
    [VMF_LINT_SIZE_ROUND] = "A size that is rounded up.",
    [VMF_LINT_NET_MAP] = "A network by a name of the platform that the machine comes from.",
    [VMF_LINT_SECRET] = "A password in the file of a machine.",
    [VMF_LINT_LEGACY_IDE] = "More than 4 drives on IDE.",
    [VMF_LINT_UNREADABLE] = "A disk of a machine that is missing or damaged.",
    [VMF_LINT_UNJUDGED] = "A disk of a machine that is not at hand (a volume, a device), so that "
                          "nobody has looked at it.",
};
