/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "foreign.h"

#include <string.h>

#include "bytes.h"
#include "path.h"

/* What makes something readable of it. */
#define HDIUTIL "\"hdiutil convert -format UDZO\" on macOS makes an image of it that is"
#define FILES_OF_EVIDENCE "it holds files and no disk; ewfexport, of libewf, takes them out"
#define NO_DISK NULL /* there is nothing to do with it */
#define VMWARE_STATE                                                                               \
  "it holds memory and no disk; name the machine's .vmx, or one of its disks (*.vmdk)"
#define ARCHIVE(program) VMF_FOREIGN_OTHER, program " unpacks it; then name the disk that was in it"

static const struct magic {
  struct vmf_foreign foreign;
  const char *bytes;
  size_t length, offset; /* of the bytes in the file; from_end: before its end */
  bool from_end;
} magics[] = {
    {{"an encrypted Apple disk image", VMF_FOREIGN_DISK, HDIUTIL}, "encrcdsa", 8, 0, false},
    {{"an encrypted Apple disk image", VMF_FOREIGN_DISK, HDIUTIL}, "cdsaencr", 8, 8, true},
    {{"an Apple sparse image of macOS 26 (ASIF)", VMF_FOREIGN_DISK, HDIUTIL},
     "shdw\0\0\0\1",
     8,
     0,
     false},
    {{"a dynamic VHD without its footer", VMF_FOREIGN_OTHER,
      "the footer at its end and the copy at its start are damaged, and so may be the rest"},
     "cxsparse",
     8,
     512,
     false},
    {{"EnCase image (EWF2, Ex01)", VMF_FOREIGN_DISK,
      "ewfexport, of libewf, makes a raw disk of it"},
     "EVF2\x0d\x0a\x81\0",
     8,
     0,
     false},
    {{"files that EnCase has kept (L01)", VMF_FOREIGN_OTHER, FILES_OF_EVIDENCE},
     "LVF\x09\x0d\x0a\xff\0",
     8,
     0,
     false},
    {{"files that EnCase has kept (Lx01)", VMF_FOREIGN_OTHER, FILES_OF_EVIDENCE},
     "LEF2\x0d\x0a\x81\0",
     8,
     0,
     false},
    {{"an encrypted forensic image (AD encryption)", VMF_FOREIGN_DISK,
      "the program that has made it takes the encryption away"},
     "ADCRYPT\0",
     8,
     0,
     false},
    {{"Windows image (WIM)", VMF_FOREIGN_DISK, "it holds files and no disk; wimapply unpacks it"},
     "MSWIM\0\0\0",
     8,
     0,
     false},
    {{"the configuration or the state of a Hyper-V machine (VMCX, VMRS)", VMF_FOREIGN_OTHER,
      "named *.vmcx, the configuration is read as a machine, and converted with its disks to "
      "another one (*.ova, *.vmx, *.xml, ...); or name one of its disks (*.vhdx)"},
     "\x14\x20\x28\x01",
     4,
     0,
     false},
    {{"the firmware's variables of a Hyper-V machine (VMGS)", VMF_FOREIGN_OTHER,
      "no other program reads them; name the machine's .vmcx, or one of its disks (*.vhdx)"},
     "GUESTRTS",
     8,
     0,
     false},
    {{"a tar archive", VMF_FOREIGN_TAR,
      "tar -xf unpacks it; then name the disk that was in it; an OVA is read under a name that "
      "ends in .ova, another archive under one that is not a disk's"},
     "ustar",
     5,
     257,
     false},
    {{"a disk encrypted by LUKS", VMF_FOREIGN_DISK,
      "cryptsetup open makes a device of what it holds, which can be read"},
     "LUKS\xba\xbe",
     6,
     0,
     false},
    {{"gzip data", VMF_FOREIGN_PACKED, "gzip -dc"}, "\x1f\x8b\x08", 3, 0, false},
    {{"xz data", VMF_FOREIGN_PACKED, "xz -dc"},
     "\xfd"
     "7zXZ\0",
     6,
     0,
     false},
    {{"Zstandard data", VMF_FOREIGN_PACKED, "zstd -dc"}, "\x28\xb5\x2f\xfd", 4, 0, false},
    {{"bzip2 data", VMF_FOREIGN_PACKED, "bzip2 -dc"}, "1AY&SY", 6, 4, false},
    {{"LZ4 data", VMF_FOREIGN_PACKED, "lz4 -dc"}, "\x04\x22\x4d\x18", 4, 0, false},
    {{"LZ4 data", VMF_FOREIGN_PACKED, "lz4 -dc"}, "\x02\x21\x4c\x18", 4, 0, false},
    {{"lzip data", VMF_FOREIGN_PACKED, "lzip -dc"}, "LZIP\1", 5, 0, false},
    {{"lzop data", VMF_FOREIGN_PACKED, "lzop -dc"}, "\x89LZO\0\r\n\x1a\n", 9, 0, false},
    {{"a ZIP archive", VMF_FOREIGN_PACKED, "unzip -p"}, "PK\3\4", 4, 0, false},
    {{"a 7-Zip archive", VMF_FOREIGN_PACKED, "7zz e -so"}, "7z\xbc\xaf\x27\x1c", 6, 0, false},
    {{"a RAR archive", VMF_FOREIGN_PACKED, "unrar p -inul"}, "Rar!\x1a\x07", 6, 0, false},
    {{"a cabinet archive", ARCHIVE("cabextract")}, "MSCF\0\0\0\0", 8, 0, false},
    {{"a cpio archive", ARCHIVE("cpio -i")}, "07070", 5, 0, false},
    {{"an ar archive or Debian package", ARCHIVE("ar x")}, "!<arch>\n", 8, 0, false},
    {{"an RPM package", ARCHIVE("rpm2cpio")}, "\xed\xab\xee\xdb", 4, 0, false},
    {{"an Android sparse image", VMF_FOREIGN_DISK, "simg2img makes a raw disk of it"},
     "\x3a\xff\x26\xed",
     4,
     0,
     false},
    {{"the firmware's settings of a VMware machine (NVRAM)", VMF_FOREIGN_OTHER,
      "name the machine's .vmx, or one of its disks (*.vmdk)"},
     "MRVN",
     4,
     0,
     false},
    {{"the state of a suspended VMware machine", VMF_FOREIGN_OTHER, VMWARE_STATE},
     "\xd2\xbe\xd2\xbe",
     4,
     0,
     false},
    {{"the state of a suspended VMware machine", VMF_FOREIGN_OTHER, VMWARE_STATE},
     "\xd0\xbe\xd2\xbe",
     4,
     0,
     false},
    {{"the saved state of a libvirt machine", VMF_FOREIGN_OTHER,
      "it holds memory and no disk; \"virsh dumpxml\" tells where the machine's disks are"},
     "LibvirtQemudSave",
     16,
     0,
     false},
    {{"the saved state of a VirtualBox machine", VMF_FOREIGN_OTHER,
      "it holds memory and no disk; name the machine's .vbox, or one of its disks (*.vdi)"},
     "\x7fVirtualBox SavedState",
     22,
     0,
     false},
    {{"a SQLite database", VMF_FOREIGN_OTHER, NO_DISK}, "SQLite format 3\0", 16, 0, false},
    {{"a PDF document", VMF_FOREIGN_OTHER, NO_DISK}, "%PDF-", 5, 0, false},
    {{"a picture (PNG)", VMF_FOREIGN_OTHER, NO_DISK}, "\x89PNG\r\n\x1a\n", 8, 0, false},
    {{"a picture (JPEG)", VMF_FOREIGN_OTHER, NO_DISK}, "\xff\xd8\xff", 3, 0, false},
    {{"a picture (GIF)", VMF_FOREIGN_OTHER, NO_DISK}, "GIF8", 4, 0, false},
    {{"a picture, sound or film (RIFF)", VMF_FOREIGN_OTHER, NO_DISK}, "RIFF", 4, 0, false},
    {{"a film or picture (MP4, HEIF)", VMF_FOREIGN_OTHER, NO_DISK}, "ftyp", 4, 4, false},
    {{"a film (Matroska)", VMF_FOREIGN_OTHER, NO_DISK}, "\x1a\x45\xdf\xa3", 4, 0, false},
    {{"an old Office document or an installer (OLE, MSI)", VMF_FOREIGN_OTHER, NO_DISK},
     "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
     8,
     0,
     false},
    {{"a program (ELF)", VMF_FOREIGN_OTHER, NO_DISK},
     "\x7f"
     "ELF",
     4,
     0,
     false},
};

/* Its two letters alone could begin a boot sector: what they lead to, and that it is none, is
 * looked at, too (Microsoft PE/COFF, 2 and 3). */
static bool is_windows_program(const struct vmf_probe *probe)
{
  const uint8_t *head = probe->head;

  if (probe->head_length < 512 || memcmp(head, "MZ", 2) != 0 ||
      memcmp(head + 510, "\x55\xaa", 2) == 0)
    return false;
  uint32_t at = get_le32(head + 60);
  return at <= probe->head_length - 4 && memcmp(head + at, "PE\0\0", 4) == 0;
}

const struct vmf_foreign *vmf_foreign_find(const struct vmf_probe *probe)
{
  static const struct vmf_foreign empty = {"nothing", VMF_FOREIGN_EMPTY, ""};
  static const struct vmf_foreign program = {"a Windows program (EXE, DLL, EFI)", VMF_FOREIGN_OTHER,
                                             NO_DISK};

  if (probe->size == 0)
    return &empty;
  if (is_windows_program(probe))
    return &program;
  for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
    const struct magic *magic = &magics[i];
    const uint8_t *end = probe->tail + probe->tail_length;
    const uint8_t *at = magic->from_end ? end - magic->offset : probe->head + magic->offset;
    bool inside = magic->from_end ? probe->tail_length >= magic->offset
                                  : probe->head_length >= magic->offset + magic->length;
    if (inside && memcmp(at, magic->bytes, magic->length) == 0)
      return &magic->foreign;
  }
  return vmf_foreign_text(probe);
}

static enum vmf_code refuse_packed(const struct vmf_io *io, const struct vmf_foreign *foreign,
                                   struct vmf_error *error)
{
  if (io->ops->below && io->ops->below(io, 1))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is %s in several parts, which is not read: join the parts to "
                    "one file (cat) and unpack that first; if it is a raw disk all the same, say "
                    "-f raw and name all parts",
                    io->name, foreign->name);
  if (strstr(io->name, "::"))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is %s, which is not read inside a package or archive: take it "
                    "out first (tar -xf), as a file it is read",
                    io->name, foreign->name);
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the content is %s, which is not read: unpack it first (%s %s > FILE); if it "
                  "is a raw disk all the same, say -f raw",
                  io->name, foreign->name, foreign->advice, vmf_path_name(io->name));
}

enum vmf_code vmf_foreign_refuse(const struct vmf_io *io, const struct vmf_foreign *foreign,
                                 struct vmf_error *error)
{
  if (foreign->kind == VMF_FOREIGN_PACKED)
    return refuse_packed(io, foreign, error);
  if (foreign->kind == VMF_FOREIGN_EMPTY)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the file is empty: it was not written, or not fetched, to its end; if it "
                    "is a raw disk of no bytes all the same, say -f raw",
                    io->name);
  if (!foreign->advice)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is %s, and no disk; if it is a raw disk all the same, say "
                    "-f raw",
                    io->name, foreign->name);
  return vmf_fail(error, foreign->kind == VMF_FOREIGN_OTHER ? VMF_REFUSED : VMF_UNSUPPORTED,
                  "%s: the content is %s, which is not read: %s; if it is a raw disk all the same, "
                  "say -f raw",
                  io->name, foreign->name, foreign->advice);
}

/* Suffixes without the dot, each list with a blank before and behind every one of them. */
static const struct meaning {
  const char *suffixes, *what;
} meanings[] = {
    {" vhds ", "a set of shared Hyper-V disks (VHD set)"},
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
    {" vmcx vmrs vmgs vsv ", "a machine of Hyper-V"},
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
  const char *dot = path ? strrchr(vmf_path_name(path), '.') : NULL;
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
