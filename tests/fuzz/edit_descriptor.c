/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A descriptor with any sections: several machines, deployment options, properties of all types,
 * licences, texts in other languages, what VirtualBox says itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit_parts.h"
#include "models.h"

#define CIM "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"

static const char head[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" "
    "xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\" "
    "xmlns:rasd=\"" CIM "CIM_ResourceAllocationSettingData\" "
    "xmlns:vssd=\"" CIM "CIM_VirtualSystemSettingData\" "
    "xmlns:vmw=\"http://www.vmware.com/schema/ovf\" "
    "xmlns:vbox=\"http://www.virtualbox.org/ovf/machine\" xml:lang=\"en-US\">\n"
    "<References><File ovf:id=\"f1\" ovf:href=\"disk.vmdk\"/><File ovf:id=\"f2\" "
    "ovf:href=\"de.msg\"/><File ovf:id=\"f3\" ovf:href=\"cd.iso\"/></References>\n"
    "<DiskSection><Info>d</Info><Disk ovf:diskId=\"d1\" ovf:fileRef=\"f1\" ovf:capacity=\"65536\" "
    "ovf:format=\"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized\"/>"
    "<Disk ovf:diskId=\"d2\" ovf:capacity=\"1\" "
    "ovf:capacityAllocationUnits=\"byte * 2^20\"/></DiskSection>\n"
    "<NetworkSection><Info>n</Info><Network ovf:name=\"VM Network\"><Description "
    "ovf:msgid=\"m1\">net</Description></Network><Network ovf:name=\"other\"/></NetworkSection>\n"
    "<DeploymentOptionSection><Info>o</Info><Configuration ovf:id=\"small\" ovf:default=\"true\">"
    "<Label ovf:msgid=\"m2\">Small</Label><Description>less</Description></Configuration>"
    "<Configuration ovf:id=\"large\"><Label>Large</Label><Description>more</Description>"
    "</Configuration></DeploymentOptionSection>\n";

static const char strings[] =
    "<Strings xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" "
    "xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\"><Msg ovf:msgid=\"m1\">Netz</Msg>"
    "<Msg ovf:msgid=\"m2\">Klein</Msg><Msg ovf:msgid=\"m3\">Name</Msg></Strings>";

/* An attribute's value or a text. */
static void put_word(FILE *out, const char *word)
{
  for (; *word; word++)
    if (strchr("<>&\"", *word) || (unsigned char)*word < ' ')
      fprintf(out, "&#%u;", (unsigned char)*word);
    else
      fputc(*word, out);
}

struct item {
  unsigned id, type, parent; /* parent 0: none */
  const char *subtype, *rest;
};

static void put_item(FILE *out, const struct item *item, const char *configuration)
{
  fputs("<Item", out);
  if (configuration)
    fprintf(out, " ovf:configuration=\"%s\"", configuration);
  fprintf(out, ">%s<rasd:ElementName>e</rasd:ElementName><rasd:InstanceID>%u</rasd:InstanceID>",
          item->rest ? item->rest : "", item->id);
  if (item->parent)
    fprintf(out, "<rasd:Parent>%u</rasd:Parent>", item->parent);
  if (item->subtype)
    fprintf(out, "<rasd:ResourceSubType>%s</rasd:ResourceSubType>", item->subtype);
  fprintf(out, "<rasd:ResourceType>%u</rasd:ResourceType></Item>\n", item->type);
}

static void put_amount(struct fuzz_choices *choices, FILE *out, unsigned id, unsigned type)
{
  static const char *const units[] = {"byte * 2^20", "MegaBytes", "byte * 2^30", "kilobytes"};
  char rest[200];

  for (unsigned i = 0; i < 1 + fuzz_below(choices, 2); i++) {
    if (type == 4)
      snprintf(rest, sizeof rest,
               "<rasd:AllocationUnits>%s</rasd:AllocationUnits><rasd:VirtualQuantity>%u"
               "</rasd:VirtualQuantity>",
               units[fuzz_below(choices, 4)], 4 * (1 + fuzz_below(choices, 64)));
    else
      snprintf(rest, sizeof rest, "<rasd:VirtualQuantity>%u</rasd:VirtualQuantity>",
               1 + fuzz_below(choices, 8));
    put_item(out, &(struct item){id, type, 0, NULL, rest}, i ? "large" : NULL);
  }
}

static void put_cards(struct fuzz_choices *choices, FILE *out)
{
  static const char *const models[] = {"E1000", "VmxNet3", "PCNet32", "virtio", "rtl8139", NULL};
  static const char *const rests[] = {
      "<rasd:AddressOnParent>7</rasd:AddressOnParent><rasd:AutomaticAllocation>true"
      "</rasd:AutomaticAllocation><rasd:Connection>VM Network</rasd:Connection>",
      "<rasd:Address>00:50:56:01:02:03</rasd:Address><rasd:AutomaticAllocation>true"
      "</rasd:AutomaticAllocation><rasd:Connection>other</rasd:Connection>",
      "<rasd:AutomaticAllocation>false</rasd:AutomaticAllocation>"};

  for (unsigned i = fuzz_below(choices, 4); i > 0; i--)
    put_item(out,
             &(struct item){20 + i, 10, 0, models[fuzz_below(choices, 6)],
                            rests[fuzz_below(choices, 3)]},
             fuzz_chance(choices, 4) ? "large" : NULL);
}

static void put_hardware(struct fuzz_choices *choices, FILE *out, bool first)
{
  static const char *const families[] = {"vmx-13", "vmx-08 vmx-11", "virtualbox-2.2", "xen-3",
                                         "vmx-21"};
  static const char *const controllers[] = {"lsilogic", "lsilogicsas", "VirtualSCSI", "buslogic",
                                            "AHCI",     "PIIX4",       "NVMe"};
  static const unsigned types[] = {6, 6, 6, 6, 20, 5, 20};
  unsigned kind = fuzz_below(choices, 7);

  fprintf(out,
          "<VirtualHardwareSection%s><Info>h</Info><System><vssd:ElementName>e</vssd:ElementName>"
          "<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>%s"
          "</vssd:VirtualSystemType></System>\n",
          fuzz_chance(choices, 2) ? " ovf:transport=\"iso com.vmware.guestInfo\"" : "",
          families[fuzz_below(choices, 5)]);
  put_amount(choices, out, 1, 3);
  put_amount(choices, out, 2, 4);
  put_item(out, &(struct item){3, types[kind], 0, controllers[kind], NULL}, NULL);
  put_item(out, &(struct item){4, 5, 0, fuzz_chance(choices, 2) ? "PIIX4" : NULL, NULL}, NULL);
  put_item(out,
           &(struct item){5, 17, 3, NULL,
                          first ? "<rasd:AddressOnParent>0</rasd:AddressOnParent>"
                                  "<rasd:HostResource>ovf:/disk/d1</rasd:HostResource>"
                                : "<rasd:AddressOnParent>0</rasd:AddressOnParent>"
                                  "<rasd:HostResource>ovf:/disk/d2</rasd:HostResource>"},
           NULL);
  if (fuzz_chance(choices, 2))
    put_item(out,
             &(struct item){6, 15, 4, NULL,
                            "<rasd:AddressOnParent>0</rasd:AddressOnParent>"
                            "<rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>"
                            "<rasd:HostResource>ovf:/file/f3</rasd:HostResource>"},
             NULL);
  put_cards(choices, out);
  if (fuzz_chance(choices, 2))
    fprintf(out, "<vmw:Config ovf:required=\"false\" vmw:key=\"firmware\" vmw:value=\"%s\"/>\n",
            fuzz_chance(choices, 2) ? "efi" : "bios");
  if (fuzz_chance(choices, 3))
    fputs("<vmw:Config ovf:required=\"false\" vmw:key=\"uuid\" "
          "vmw:value=\"564d0102-0304-0506-0708-090a0b0c0d0e\"/>\n",
          out);
  fputs("</VirtualHardwareSection>\n", out);
}

/* ---- properties ---- */

const char *const fuzz_keys[FUZZ_KEYS] = {"ip", "count", "word", "flag"};

const char *fuzz_key_value(struct fuzz_choices *choices)
{
  static const char *const values[] = {"1",   "true",        "192.0.2.1", "255", "-7", "4.5e3",
                                       "one", "2001:db8::1", "300",       "",    "two"};

  return fuzz_chance(choices, 4) ? fuzz_word(choices) : values[fuzz_below(choices, 11)];
}

static void put_properties(struct fuzz_choices *choices, FILE *out)
{
  static const char *const types[] = {"string", "uint8",  "sint16", "boolean",
                                      "real32", "uint64", "int",    "ip"};
  static const char *const terms[] = {"MinLen(1) MaxLen(8)",
                                      "ValueMap{\"1\", \"two\", \"a\\\"b\"}",
                                      "MinValue(0), MaxValue(255)",
                                      "Ip()",
                                      "Netmask",
                                      "ValueMap{&quot;1..5&quot;, &quot;9..&quot;}"};
  static const char *const vmware[] = {"string(1..9)",
                                       "int(0..5)",
                                       "ip:VM Network",
                                       "boolean",
                                       "string[&quot;one&quot;, &quot;two&quot;]",
                                       "password(1..)"};

  fprintf(out, "<ProductSection%s><Info>p</Info><Product>P</Product><Vendor>V</Vendor>",
          fuzz_chance(choices, 2) ? " ovf:class=\"a.b\" ovf:instance=\"1\"" : "");
  for (unsigned i = 0; i < FUZZ_KEYS; i++) {
    bool typed = fuzz_chance(choices, 2);
    fprintf(out, "<Property ovf:key=\"%s\" ovf:type=\"%s\" ovf:userConfigurable=\"%s\"",
            fuzz_keys[i], typed ? vmware[fuzz_below(choices, 6)] : types[fuzz_below(choices, 8)],
            fuzz_chance(choices, 4) ? "false" : "true");
    if (fuzz_chance(choices, 2)) {
      const char *term = terms[fuzz_below(choices, 6)];
      fputs(fuzz_chance(choices, 2) ? " vmw:qualifiers=\"" : " ovf:qualifiers=\"", out);
      put_word(out, strchr(term, '&') ? "ValueMap{\"1..5\", \"9..\"}" : term);
      fputc('"', out);
    }
    fputs(fuzz_chance(choices, 4) ? " ovf:password=\"true\"" : "", out);
    fputs(" ovf:value=\"", out);
    put_word(out, fuzz_key_value(choices));
    fputs("\"><Label ovf:msgid=\"m3\">l</Label>", out);
    if (fuzz_chance(choices, 3))
      fputs("<Value ovf:value=\"5\" ovf:configuration=\"large\"/>", out);
    fputs("</Property>", out);
  }
  fputs("</ProductSection>\n", out);
}

/* ---- the whole ---- */

static void put_virtualbox(struct fuzz_choices *choices, FILE *out)
{
  fprintf(out,
          "<vbox:Machine ovf:required=\"false\" version=\"1.15-linux\" name=\"vm\" "
          "OSType=\"Debian_64\"><Description>old</Description><ovf:Info>i</ovf:Info><Hardware>"
          "<CPU count=\"2\"/><Memory RAMSize=\"512\"/>%s<Network><Adapter slot=\"0\" "
          "enabled=\"true\" MACAddress=\"080027010203\" type=\"82540EM\"><NAT/></Adapter>"
          "<Adapter slot=\"1\" enabled=\"%s\" type=\"virtio\"><BridgedInterface "
          "name=\"eth0\"/></Adapter></Network></Hardware><StorageControllers>"
          "<StorageController name=\"IDE\" type=\"PIIX4\"><AttachedDevice type=\"DVD\" port=\"0\" "
          "device=\"0\"/></StorageController></StorageControllers></vbox:Machine>\n",
          fuzz_chance(choices, 2) ? "<Firmware type=\"EFI\"/>" : "",
          fuzz_chance(choices, 2) ? "true" : "false");
}

static void put_system(struct fuzz_choices *choices, FILE *out, unsigned number)
{
  fprintf(out, "<VirtualSystem ovf:id=\"vm%u\"><Info>v</Info>", number);
  if (fuzz_chance(choices, 2)) {
    fputs("<Name>", out);
    put_word(out, fuzz_word(choices));
    fputs("</Name>", out);
  }
  if (fuzz_chance(choices, 2))
    fprintf(out,
            "<OperatingSystemSection ovf:id=\"%u\" vmw:osType=\"debian10_64Guest\"><Info>o</Info>"
            "<Description>Debian</Description></OperatingSystemSection>",
            fuzz_below(choices, 110));
  put_hardware(choices, out, number == 0);
  if (fuzz_chance(choices, 2))
    put_properties(choices, out);
  if (fuzz_chance(choices, 3))
    fputs("<EulaSection><Info>e</Info><License ovf:msgid=\"m1\">be good</License></EulaSection>",
          out);
  if (fuzz_chance(choices, 3))
    fputs("<AnnotationSection><Info>a</Info><Annotation>note</Annotation></AnnotationSection>",
          out);
  if (fuzz_chance(choices, 3))
    put_virtualbox(choices, out);
  fputs("</VirtualSystem>\n", out);
}

unsigned fuzz_descriptor_write(struct fuzz_choices *choices)
{
  unsigned several = fuzz_below(choices, 4);
  char *text;
  size_t length;
  FILE *out = open_memstream(&text, &length);

  if (!out)
    fuzz_fault("no memory");
  unsigned systems = several < 2 ? 1 : several;
  fputs(head, out);
  if (systems > 1)
    fputs("<VirtualSystemCollection ovf:id=\"all\"><Info>c</Info>\n", out);
  if (systems > 1 && fuzz_chance(choices, 2))
    put_properties(choices, out);
  if (systems > 1 && fuzz_chance(choices, 2))
    fputs("<StartupSection><Info>s</Info><Item ovf:id=\"vm1\" ovf:order=\"1\"/><Item "
          "ovf:id=\"vm0\" ovf:order=\"2\" ovf:startDelay=\"5\"/></StartupSection>\n",
          out);
  for (unsigned i = 0; i < systems; i++)
    put_system(choices, out, i);
  if (systems > 1)
    fputs("</VirtualSystemCollection>\n", out);
  fputs("<Strings xml:lang=\"de\" ovf:fileRef=\"f2\"/><Strings xml:lang=\"fr\"><Msg "
        "ovf:msgid=\"m2\">petit</Msg></Strings>\n</Envelope>\n",
        out);
  fclose(out);
  fuzz_scratch_write("vm.ovf", text, length);
  free(text);
  fuzz_small_disk("disk.vmdk", "vmdk", "subformat=streamOptimized");
  fuzz_scratch_write("cd.iso", strings, sizeof strings);
  fuzz_scratch_write("de.msg", strings, sizeof strings - 1);
  return systems;
}
