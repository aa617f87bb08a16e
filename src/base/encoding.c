/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Names from ICU's list of converters (uconv -l), IANA and Windows; which of iconv's tables has the
 * same characters was found by running both. */
#include "encoding.h"

#include <string.h>

enum { NAME_MAX_LENGTH = 40 };

/* names: small letters and digits only, each between two blanks. */
static const struct {
  const char *converter, *names;
} encodings[] = {
    {"UTF-8", " utf8 ibm1208 cp1208 windows65001 "},
    {"ASCII", " usascii ascii ansix341968 ansix341986 iso646us us ibm367 cp367 windows20127 "},
    /* not SHIFT_JIS, which has a yen sign for the backslash and none of NEC's and IBM's signs */
    {"CP932", " shiftjis sjis xsjis mskanji csshiftjis windows31j cswindows31j windows932 ms932 "
              "cp932 xmscp932 ibm943c cp943c ibm943p15a2003 "},
    {"EUC-JP-MS", " eucjp xeucjp eucjp2007 ujis eucjis ibm33722p12ap12a2009u2 "
                  "windows51932 "},
    {"CP949", " windows949 windows9492000 ms949 cp949 uhc ksc56011987 ksc56011989 ksc5601 korean "
              "csksc56011987 isoir149 ibm1363p11b1998 euckr cseuckr windows51949 "
              "ibm970 cp970 ibm970p110p1102006u2 "},
    {"CP936", " gbk windows936 windows9362000 ms936 cp936 ibm1386 cp1386 ibm1386p1002001 gb2312 "
              "csgb2312 euccn gb23121980 ibm1383 cp1383 ibm1383p1101999 "},
    {"GB18030", " gb18030 ibm1392 windows54936 "},
    {"CP950", " big5 csbig5 xbig5 windows950 windows9502000 xwindows950 ms950 cp950 ibm950 ibm1373 "
              "ibm1373p1002002 "},
    {"BIG5-HKSCS", " big5hkscs big5hk hkscsbig5 ibm1375 ibm1375p1002008 "},
    {"CP874", " windows874 windows8742000 ms874 cp874 xwindows874 tis620 ibm874 ibm874p1001995 "
              "ibm9066 ibm1162 ibm1162p1001999 "},
    {"CP1250", " windows1250 cp1250 ibm5346 ibm5346p1001998 "},
    {"CP1251", " windows1251 cp1251 ibm5347 ibm5347p1001998 "},
    {"CP1252", " windows1252 cp1252 ibm5348 ibm5348p1001997 "},
    {"CP1253", " windows1253 cp1253 ibm5349 ibm5349p1001998 "},
    {"CP1254", " windows1254 cp1254 ibm5350 ibm5350p1001998 "},
    {"CP1255", " windows1255 cp1255 ibm9447 ibm9447p1002002 "},
    {"CP1256", " windows1256 cp1256 ibm9448 ibm9448x1002005 "},
    {"CP1257", " windows1257 cp1257 ibm9449 ibm9449p1002002 "},
    {"CP1258", " windows1258 cp1258 ibm5354 ibm5354p1001998 "},
    {"ISO-8859-1", " iso88591 iso885911987 88591 latin1 l1 ibm819 cp819 windows28591 "},
    {"ISO-8859-2",
     " iso88592 iso885921987 88592 latin2 l2 ibm912 cp912 ibm912p1001995 windows28592 "},
    {"ISO-8859-3",
     " iso88593 iso885931988 88593 latin3 l3 ibm913 cp913 ibm913p1002000 windows28593 "},
    {"ISO-8859-4",
     " iso88594 iso885941988 88594 latin4 l4 ibm914 cp914 ibm914p1001995 windows28594 "},
    {"ISO-8859-5",
     " iso88595 iso885951988 88595 cyrillic ibm915 cp915 ibm915p1001995 windows28595 "},
    {"ISO-8859-6",
     " iso88596 iso885961987 88596 arabic ibm1089 cp1089 ibm1089p1001995 windows28596 "},
    {"ISO-8859-7", " iso88597 iso885971987 88597 greek ibm9005 ibm9005x1102007 windows28597 "},
    {"ISO-8859-8", " iso88598 iso885981988 88598 hebrew ibm5012 ibm5012p1001999 windows28598 "},
    {"ISO-8859-9",
     " iso88599 iso885991989 88599 latin5 l5 ibm920 cp920 ibm920p1001995 windows28599 "},
    {"ISO-8859-10", " iso885910 iso8859101992 iso8859101998 latin6 l6 "},
    {"ISO-8859-11", " iso885911 iso8859112001 thai8 "},
    {"ISO-8859-13", " iso885913 885913 ibm921 cp921 ibm921p1001995 windows28603 "},
    {"ISO-8859-14", " iso885914 iso8859141998 iso8859141998 latin8 l8 "},
    {"ISO-8859-15", " iso885915 885915 latin9 l9 ibm923 cp923 ibm923p1001998 windows28605 "},
    {"ISO-8859-16", " iso885916 latin10 "},
    {"KOI8-R", " koi8r koi8 cskoi8r ibm878 cp878 ibm878p1001996 windows20866 "},
    {"KOI8-U", " koi8u ibm1168 ibm1168p1002002 windows21866 "},
    {"CP437", " ibm437 cp437 windows437 ibm437p1001995 "},
    {"CP737", " ibm737 cp737 windows737 ibm737p1001997 "},
    {"CP775", " ibm775 cp775 windows775 ibm775p1001996 "},
    {"CP850", " ibm850 cp850 windows850 ibm850p1001995 "},
    {"CP852", " ibm852 cp852 windows852 ibm852p1001995 "},
    {"CP855", " ibm855 cp855 windows855 ibm855p1001995 "},
    {"CP857", " ibm857 cp857 windows857 ibm857p1001995 "},
    {"CP860", " ibm860 cp860 ibm860p1001995 "},
    {"CP861", " ibm861 cp861 windows861 ibm861p1001995 "},
    {"CP862", " ibm862 cp862 windows862 dos862 ibm862p1001995 "},
    {"CP863", " ibm863 cp863 ibm863p1001995 "},
    {"CP865", " ibm865 cp865 ibm865p1001995 "},
    {"CP866", " ibm866 cp866 windows866 ibm866p1001995 "},
    {"CP869", " ibm869 cp869 windows869 ibm869p1001995 "},
};

/* " name ", in small letters and digits; false: it has none, or is too long for any. */
static bool normalize(const char *name, char normal[NAME_MAX_LENGTH + 3])
{
  size_t length = 0;

  normal[length++] = ' ';
  for (; *name; name++) {
    char c = *name;
    if (c >= 'A' && c <= 'Z')
      c = (char)(c - 'A' + 'a');
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
      continue;
    if (length > NAME_MAX_LENGTH)
      return false;
    normal[length++] = c;
  }
  normal[length] = ' ';
  normal[length + 1] = '\0';
  return length > 1;
}

const char *vmf_encoding_converter(const char *name)
{
  char normal[NAME_MAX_LENGTH + 3];

  if (!normalize(name, normal))
    return NULL;
  for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
    if (strstr(encodings[i].names, normal))
      return encodings[i].converter;
  return NULL;
}

bool vmf_encoding_is_ascii(const char *name, const void *bytes, size_t length)
{
  static const char *const runs[] = {" utf7", " imap", " hz", " iso2022", " scsu", " bocu"};
  char normal[NAME_MAX_LENGTH + 3];
  const unsigned char *text = bytes;

  for (size_t i = 0; normalize(name, normal) && i < sizeof runs / sizeof runs[0]; i++)
    if (strncmp(normal, runs[i], strlen(runs[i])) == 0)
      return false;
  for (size_t i = 0; i < length; i++)
    if (text[i] >= 0x80)
      return false;
  return true;
}
