/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "foreign.h"

#include <string.h>

static const struct magic {
  struct vmf_foreign foreign;
  const char *bytes;
  size_t length, offset; /* of the bytes in the file; from_end: before its end */
  bool from_end;
} magics[] = {
    {{"QCOW version 1", NULL}, "QFI\xfb\0\0\0\1", 8, 0, false},
    {{"QED", NULL}, "QED\0", 4, 0, false},
    {{"VHDX", NULL}, "vhdxfile", 8, 0, false},
    {{"VDI", NULL}, "\x7f\x10\xda\xbe", 4, 64, false},
    {{"Parallels HDD", NULL}, "WithoutFreeSpace", 16, 0, false},
    {{"Parallels HDD", NULL}, "WithouFreSpacExt", 16, 0, false},
    {{"Bochs growing disk", NULL}, "Bochs Virtual HD Image", 22, 0, false},
    {{"Proxmox VMA", NULL}, "VMA\0", 4, 0, false},
    {{"Apple disk image (DMG)", NULL}, "koly", 4, 512, true},
    {{"EnCase image (EWF, E01)", NULL}, "EVF\x09\x0d\x0a\xff\0", 8, 0, false},
    {{"EnCase image (EWF2, Ex01)", NULL}, "EVF2\x0d\x0a\x81\0", 8, 0, false},
    {{"Windows image (WIM)", NULL}, "MSWIM\0\0\0", 8, 0, false},
    {{"Xen appliance (XVA)", NULL}, "ova.xml\0", 8, 0, false},
    {{"OVA or tar archive", NULL}, "ustar", 5, 257, false},
    {{"gzip data", "gzip -dc"}, "\x1f\x8b\x08", 3, 0, false},
    {{"xz data", "xz -dc"},
     "\xfd"
     "7zXZ\0",
     6,
     0,
     false},
    {{"Zstandard data", "zstd -dc"}, "\x28\xb5\x2f\xfd", 4, 0, false},
    {{"bzip2 data", "bzip2 -dc"}, "1AY&SY", 6, 4, false},
    {{"LZ4 data", "lz4 -dc"}, "\x04\x22\x4d\x18", 4, 0, false},
    {{"lzip data", "lzip -dc"}, "LZIP\1", 5, 0, false},
    {{"lzop data", "lzop -dc"}, "\x89LZO\0\r\n\x1a\n", 9, 0, false},
    {{"a ZIP archive", "unzip -p"}, "PK\3\4", 4, 0, false},
    {{"a 7-Zip archive", "7zz e -so"}, "7z\xbc\xaf\x27\x1c", 6, 0, false},
    {{"a RAR archive", "unrar p -inul"}, "Rar!\x1a\x07", 6, 0, false},
};

const struct vmf_foreign *vmf_foreign_find(const struct vmf_probe *probe)
{
  for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
    const struct magic *magic = &magics[i];
    const uint8_t *end = probe->tail + probe->tail_length;
    const uint8_t *at = magic->from_end ? end - magic->offset : probe->head + magic->offset;
    bool inside = magic->from_end ? probe->tail_length >= magic->offset
                                  : probe->head_length >= magic->offset + magic->length;
    if (inside && memcmp(at, magic->bytes, magic->length) == 0)
      return &magic->foreign;
  }
  return NULL;
}

/* Suffixes without the dot, each list with a blank before and behind every one of them. */
static const struct meaning {
  const char *suffixes, *what;
} meanings[] = {
    {" vdi ", "a VirtualBox disk (VDI)"},
    {" vhdx avhdx vhds ", "a Hyper-V disk (VHDX)"},
    {" avhd ", "a snapshot of a Hyper-V disk (VHD)"},
    {" hdd hds pvm pvs pvi ", "a Parallels disk or machine"},
    {" qed ", "a QED disk"},
    {" cow ", "a COW disk"},
    {" cloop ", "a compressed loop image"},
    {" dmg sparseimage sparsebundle smi udif ", "an Apple disk image"},
    {" nrg mdf mds cue ccd b5t cdi uif daa isz toast ", "an image of a CD in a format of its own"},
    {" wim swm esd ffu ", "a Windows image (WIM, FFU)"},
    {" gho ghs tib tibx adi vbk vib pvhd mrimg v2i spf ", "a backup program's image"},
    {" e01 ex01 s01 l01 lx01 ewf aff aff4 afd afm ad1 ", "a forensic image"},
    {" vma vmcx vmrs vsv ", "a machine or backup of Proxmox or Hyper-V"},
    {" xva ", "a Xen appliance (XVA)"},
    {" ova ovf ", "a package, which convert makes of a package and pack makes of disks"},
    {" mf cert ", "the manifest or certificate of a package"},
    {" vmx vmxf vmtx vmtm vmsd vmsn vmss vmem nvram vbox utm ", "a file of a virtual machine"},
    {" tar tgz tbz tbz2 txz tzst tlz cpio ar cab rpm deb jar box ", "an archive"},
    {" zip 7z rar zipx arj lha lzh ace sit ", "an archive"},
    {" gz gzip xz lzma zst zstd bz2 bz lz lz4 lzo lzop z br sz ", "packed data"},
    {" gpg pgp asc age enc luks ", "encrypted data"},
    {" squashfs sfs sqfs erofs cramfs ", "a packed file system"},
    {" xml json yaml yml txt csv html pdf ", "a text"},
    {" md5 sha1 sha256 sha512 md5sum sha1sum sha256sum sha512sum sig ", "a checksum or signature"},
};

const char *vmf_suffix_meaning(const char *path)
{
  const char *slash = path ? strrchr(path, '/') : NULL;
  const char *dot = path ? strrchr(slash ? slash : path, '.') : NULL;
  size_t length = dot ? strlen(dot + 1) : 0;
  char word[16];

  if (length == 0 || length > sizeof(word) - 3)
    return NULL;
  word[0] = word[length + 1] = ' ';
  word[length + 2] = '\0';
  for (size_t i = 1; i <= length; i++)
    word[i] = (char)(dot[i] >= 'A' && dot[i] <= 'Z' ? dot[i] | 0x20 : dot[i]);
  for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
    if (strstr(meanings[i].suffixes, word))
      return meanings[i].what;
  return NULL;
}
