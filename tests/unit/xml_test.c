/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Descriptors as XML: encodings, what is refused, where elements stand, and edits that touch
 * nothing else. */
#include "xml.h"

#include <string.h>

#include "check_main.h"
#include "memory.h"

static struct vmf_error error;
static char last_rule[64];

static void note(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  snprintf(last_rule, sizeof last_rule, "%s", finding->rule);
}

static enum vmf_code try_parse(const void *bytes, size_t length, struct vmf_xml **xml)
{
  struct vmf_report report = {.finding = note};

  last_rule[0] = '\0';
  error = (struct vmf_error){0};
  return vmf_xml_parse("a.ovf", bytes, length, &report, xml, &error);
}

static struct vmf_xml *parse_bytes(const void *bytes, size_t length)
{
  struct vmf_xml *xml = NULL;
  enum vmf_code code = try_parse(bytes, length, &xml);

  ck_assert_msg(code == VMF_OK, "%s", error.text);
  return xml;
}

static struct vmf_xml *parse(const char *text)
{
  return parse_bytes(text, strlen(text));
}

static void refuses(const char *text, enum vmf_code code)
{
  struct vmf_xml *xml = NULL;

  ck_assert_int_eq(try_parse(text, strlen(text), &xml), code);
  ck_assert_ptr_null(xml);
}

static char *text_of(const xmlNode *element)
{
  char *text = NULL;

  ck_assert_int_eq(vmf_xml_text(element, &text, &error), VMF_OK);
  return text;
}

static void has_text(const xmlNode *element, const char *expected)
{
  char *text = text_of(element);

  ck_assert_str_eq(text, expected);
  vmf_free(text);
}

static void has_attribute(const xmlNode *element, const char *uri, const char *name,
                          const char *expected)
{
  char *value = NULL;

  ck_assert_int_eq(vmf_xml_attribute(element, uri, name, &value, &error), VMF_OK);
  if (expected)
    ck_assert_str_eq(value, expected);
  else
    ck_assert_ptr_null(value);
  vmf_free(value);
}

/* ---- encodings ---- */

START_TEST(utf8_with_a_mark_is_kept_as_it_is)
{
  static const char text[] = "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><a>\xc3\xa4</a>";
  struct vmf_xml *xml = parse(text);

  ck_assert(!xml->recoded);
  ck_assert_uint_eq(xml->length, strlen(text));
  ck_assert_mem_eq(xml->text, text, sizeof text);
  has_text(xml->elements[0], "\xc3\xa4");
  ck_assert_str_eq(last_rule, "");
  vmf_xml_free(xml);
}
END_TEST

static const struct {
  const char *bytes;
  size_t length;
  const char *text; /* of the root */
  const char *rule;
} encodings[] = {
#define ROW(bytes, text, rule)                                                                     \
  {                                                                                                \
    bytes, sizeof(bytes) - 1, text, rule                                                           \
  }
    ROW("\xff\xfe<\0a\0>\0\xe4\0<\0/\0a\0>\0", "\xc3\xa4", ""),
    ROW("\xfe\xff\0<\0a\0>\0\xe4\0<\0/\0a\0>", "\xc3\xa4", ""),
    ROW("\0<\0a\0>\0\xe4\0<\0/\0a\0>", "\xc3\xa4", ""),
    ROW("<\0a\0>\0\xe4\0<\0/\0a\0>\0\0\0\0\0", "\xc3\xa4", ""),
    ROW("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>", "\xc3\xa4", ""),
    ROW("<?xml version='1.0' encoding=\"windows-1252\"?><a>\x80</a>", "\xe2\x82\xac", ""),
    ROW("<?xml version='1.0' encoding='GBK'?><a>\xc4\xe3</a>", "\xe4\xbd\xa0", ""),
    ROW("<?xml version='1.0' encoding='Shift_JIS'?><a>\\~\x87\x40</a>", "\\~\xe2\x91\xa0", ""),
    ROW("<?xml version='1.0' encoding='ks_c_5601-1987'?><a>\x8c\x63</a>", "\xeb\x98\xa0", ""),
    ROW("<?xml version='1.0' encoding='EUC-JP'?><a>a</a>", "a", ""),
    ROW("<?xml version='1.0' encoding='utf-16'?><a>\xc3\xa4</a>", "\xc3\xa4",
        "descriptor-encoding"),
    ROW("\xef\xbb\xbf<?xml version='1.0' encoding='utf-16'?><a>\xc3\xa4</a>", "\xc3\xa4",
        "descriptor-encoding"),
    ROW("<?xml version='1.0' encoding='klingon'?><a>\xc3\xa4</a>", "\xc3\xa4",
        "descriptor-encoding"),
    ROW("<?xml version='1.0' encoding='UTF-8'?><a>\x92</a>", "\xe2\x80\x99", "descriptor-encoding"),
    ROW("<a>\xe4</a>", "\xc3\xa4", "descriptor-encoding"),
    ROW("<a>\xe0\x80\x80</a>", "\xc3\xa0\xe2\x82\xac\xe2\x82\xac", "descriptor-encoding"),
    ROW("<a>\xed\xa0\x80</a>", "\xc3\xad\xc2\xa0\xe2\x82\xac", "descriptor-encoding"),
    ROW("<a>\x81</a>", "\xc2\x81", "descriptor-encoding"),
    ROW("<a>x</a>\n\0\0\0\0", "x", "descriptor-padding"),
    ROW("<a>x</a>\r\n\x1a", "x", "descriptor-padding"),
    ROW("\n <?xml version='1.0'?><a>x</a>", "x", "descriptor-padding"),
#undef ROW
};

START_TEST(other_encodings_become_utf8)
{
  struct vmf_xml *xml = parse_bytes(encodings[_i].bytes, encodings[_i].length);

  has_text(xml->elements[0], encodings[_i].text);
  ck_assert_str_eq(last_rule, encodings[_i].rule);
  ck_assert(xml->recoded);
  /* what is written from it is UTF-8 and says so */
  struct vmf_xml *again = parse_bytes(xml->text, xml->length);
  ck_assert(!again->recoded);
  has_text(again->elements[0], encodings[_i].text);
  ck_assert_str_eq(last_rule, "");
  vmf_xml_free(again);
  vmf_xml_free(xml);
}
END_TEST

START_TEST(the_declaration_of_utf16_is_corrected)
{
  static const char text[] = "<?xml version='1.0' encoding='UTF-16'?><a/>";
  char wide[2 * sizeof text] = {(char)0xff, (char)0xfe};

  for (size_t i = 0; i + 1 < sizeof text; i++)
    wide[2 + 2 * i] = text[i];
  struct vmf_xml *xml = parse_bytes(wide, 2 * sizeof text);
  ck_assert_str_eq(xml->text, "<?xml version='1.0' encoding='UTF-8'?><a/>");
  vmf_xml_free(xml);
}
END_TEST

START_TEST(a_nul_within_is_refused)
{
  struct vmf_xml *xml;

  ck_assert_int_eq(try_parse("<a>\0</a>", 8, &xml), VMF_CORRUPT);
  ck_assert_int_eq(try_parse("", 0, &xml), VMF_CORRUPT);
  ck_assert_int_eq(try_parse(NULL, 0, &xml), VMF_CORRUPT);
  ck_assert_int_eq(try_parse("\0\0\0\0\0", 5, &xml), VMF_CORRUPT);
}
END_TEST

/* ---- what is refused ---- */

static const struct {
  const char *text;
  enum vmf_code code;
} bad[] = {
    {"<!DOCTYPE a><a/>", VMF_REFUSED},
    {"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><a>&e;</a>", VMF_REFUSED},
    {"<!DOCTYPE a [<!ENTITY e 'xxxx'><!ENTITY f '&e;&e;'>]><a>&f;</a>", VMF_REFUSED},
    {"<!-- > --><!DOCTYPE a SYSTEM 'http://example.org/a.dtd'><a/>", VMF_REFUSED},
    {"<a>&nothing;</a>", VMF_CORRUPT},
    {"<a><b></a></b>", VMF_CORRUPT},
    {"<a>", VMF_CORRUPT},
    {"</a>", VMF_CORRUPT},
    {"<a/></a>", VMF_CORRUPT},
    {"<a/><b/>", VMF_CORRUPT},
    {"<a/>text", VMF_CORRUPT},
    {"text", VMF_CORRUPT},
    {"<a b='1' b='2'/>", VMF_CORRUPT},
    {"<a b='1/>", VMF_CORRUPT},
    {"<a><!-- </a>", VMF_CORRUPT},
    {"<a><![CDATA[ </a>", VMF_CORRUPT},
    {"<a><?x </a>", VMF_CORRUPT},
    {"<a><!ELEMENT a></a>", VMF_CORRUPT},
    {"<", VMF_CORRUPT},
    {"<a", VMF_CORRUPT},
    {"<?xml version='1.0' encoding='klingon'?><a>\xe4</a>", VMF_UNSUPPORTED},
};

START_TEST(nonsense_is_refused)
{
  refuses(bad[_i].text, bad[_i].code);
}
END_TEST

START_TEST(the_line_is_told)
{
  refuses("<a>\n\n<b c=></b>\n</a>", VMF_CORRUPT);
  ck_assert_ptr_nonnull(strstr(error.text, "a.ovf:3:"));
  refuses("\n<?xml version='1.0'?><a>\n\n<b c=></b>\n</a>", VMF_CORRUPT);
  ck_assert_ptr_nonnull(strstr(error.text, "a.ovf:4:"));
}
END_TEST

/* `before`, `count` times `middle`, `after`. */
static char *repeat(const char *before, const char *middle, size_t count, const char *after)
{
  size_t length = strlen(middle);
  char *text = malloc(strlen(before) + count * length + strlen(after) + 1);
  char *out = stpcpy(text, before);

  for (size_t i = 0; i < count; i++)
    out = stpcpy(out, middle);
  stpcpy(out, after);
  return text;
}

static enum vmf_code parse_repeated(const char *before, const char *middle, size_t count,
                                    const char *after)
{
  char *text = repeat(before, middle, count, after);
  struct vmf_xml *xml = NULL;
  enum vmf_code code = try_parse(text, strlen(text), &xml);

  vmf_xml_free(xml);
  free(text);
  return code;
}

START_TEST(bounds_hold)
{
  ck_assert_int_eq(parse_repeated("", "<a>", VMF_XML_DEPTH + 1, ""), VMF_LIMIT);
  ck_assert_int_eq(parse_repeated("", "<a>", 5000000, ""), VMF_LIMIT);
  ck_assert_int_eq(parse_repeated("<a>", "<b/>", VMF_XML_ELEMENTS, "</a>"), VMF_LIMIT);
  ck_assert_int_eq(parse_repeated("<a>", "<!---->", VMF_XML_ELEMENTS, "</a>"), VMF_LIMIT);
  ck_assert_int_eq(parse_repeated("<a ", "x='' ", VMF_XML_TAG_ATTRIBUTES + 1, "/>"), VMF_LIMIT);
  ck_assert_int_eq(parse_repeated("",
                                  "<a xmlns:b='c' xmlns:d='e' xmlns:f='g' xmlns:h='i' "
                                  "xmlns:j='k' xmlns:l='m'>",
                                  200, ""),
                   VMF_LIMIT);
  ck_assert_int_eq(parse_repeated("<a>", " ", VMF_XML_BYTES, "</a>"), VMF_LIMIT);
}
END_TEST

START_TEST(bounds_can_be_reached)
{
  char *open = repeat("", "<a>", VMF_XML_DEPTH - 1, "<a/>");

  ck_assert_int_eq(parse_repeated(open, "</a>", VMF_XML_DEPTH - 1, ""), VMF_OK);
  free(open);
  ck_assert_int_eq(parse_repeated("<a>", "<b>x</b>", 100000, "</a>"), VMF_OK);
  ck_assert_int_eq(parse_repeated("<a>", "<b xmlns='c'></b>", 2 * VMF_XML_NAMESPACES, "</a>"),
                   VMF_OK);
}
END_TEST

/* ---- where elements stand ---- */

START_TEST(spans_are_those_of_the_text)
{
  static const char text[] = "<?xml version='1.0'?><!-- <no> --><?pi <no>?>\n"
                             "<a x='>' y=\"<'\">\n"
                             " <![CDATA[<no></a>]]><b\n/><c>1<d z='/>'/></c\n><!--</a>-->\n"
                             "</a><!-- <no/> -->\n";
  static const char valid[] = "<?xml version='1.0'?><!-- <no> --><?pi <no>?>\n"
                              "<a x='>' y=\"'\">\n"
                              " <![CDATA[<no></a>]]><b\n/><c>1<d z='/>'/></c\n><!--</a>-->\n"
                              "</a><!-- <no/> -->\n";
  refuses(text, VMF_CORRUPT); /* '<' in a value is not XML */
  struct vmf_xml *xml = parse(valid);
  static const struct {
    const char *start, *content, *close; /* as the text goes on there */
    unsigned line;
  } expected[] = {{"<a x", "\n <![CDATA", "</a><!-- ", 2},
                  {"<b\n/>", "<c>", "<c>", 3},
                  {"<c>1", "1<d", "</c\n>", 4},
                  {"<d z", "</c", "</c", 4}};
  ck_assert_uint_eq(xml->count, 4);
  for (size_t i = 0; i < 4; i++) {
    const struct vmf_xml_span *span = &xml->spans[i];
    ck_assert_uint_eq(vmf_xml_index(xml->elements[i]), i);
    ck_assert_uint_eq(vmf_xml_line(xml->elements[i]), expected[i].line);
#define AT(offset, word) ck_assert_mem_eq(xml->text + (offset), word, strlen(word))
    AT(span->start, expected[i].start);
    AT(span->tag_end, expected[i].content);
    AT(span->content_end, expected[i].close);
#undef AT
    ck_assert_int_eq(xml->text[span->end - 1], '>');
  }
  ck_assert_uint_eq(xml->spans[1].tag_end, xml->spans[1].end);
  vmf_xml_free(xml);
}
END_TEST

START_TEST(lines_beyond_16_bits_are_right)
{
  char *text = repeat("<a>", "\n", 70000, "<b/></a>");
  struct vmf_xml *xml = parse(text);

  ck_assert_uint_eq(vmf_xml_line(xml->elements[1]), 70001);
  vmf_xml_free(xml);
  free(text);
}
END_TEST

START_TEST(looking_goes_by_namespace)
{
  struct vmf_xml *xml = parse("<a xmlns='u' xmlns:p='v' xmlns:q='u'>t<p:b/><b p:x='1' x='2' "
                              "q:y='3'> m<p:b>n&amp;</p:b><![CDATA[<o]]>\n </b><q:b/></a>");
  const xmlNode *root = xml->elements[0];
  xmlNode *b = vmf_xml_child(root, "u", "b");

  ck_assert(vmf_xml_is(root, "u", "a") && !vmf_xml_is(root, "v", "a") && vmf_xml_is(root, 0, 0));
  ck_assert_uint_eq(vmf_xml_index(b), 2);
  ck_assert_uint_eq(vmf_xml_index(vmf_xml_child(root, NULL, "b")), 1);
  ck_assert_uint_eq(vmf_xml_index(vmf_xml_find(b->next, "u", "b")), 4);
  ck_assert_ptr_null(vmf_xml_find(b->next, "v", NULL));
  has_attribute(b, "v", "x", "1");
  has_attribute(b, "u", "x", "2");
  has_attribute(b, NULL, "x", "2");
  has_attribute(b, "u", "y", "3");
  has_attribute(b, NULL, "y", NULL);
  has_text(b, "mn&<o");
  vmf_xml_free(xml);
}
END_TEST

START_TEST(values_are_unescaped)
{
  struct vmf_xml *xml = parse("<a x='&lt;&amp;&#65;&quot;' y=''>\xc2\xa0&#x20AC;\n</a>");

  has_attribute(xml->elements[0], NULL, "x", "<&A\"");
  has_attribute(xml->elements[0], NULL, "y", "");
  has_text(xml->elements[0], "\xc2\xa0\xe2\x82\xac");
  vmf_xml_free(xml);
}
END_TEST

START_TEST(an_undeclared_prefix_is_a_warning)
{
  struct vmf_xml *xml = parse("<a x:y='1'/>");

  ck_assert_str_eq(last_rule, "descriptor-namespace");
  vmf_xml_free(xml);
}
END_TEST

/* ---- edits ---- */

static const char source[] = "<?xml version='1.0'?>\r\n"
                             "<o:e xmlns:o='u' xmlns='v'>\n"
                             "  <o:f  o:id = 'a&amp;b'\n\to:href=\"x\" plain='p'/>\n"
                             "  <o:g/>\n"
                             "  <h  ><i/>t</h >\n"
                             "</o:e>\n";

enum { E, F, G, H, I };

static struct vmf_xml_edit *edit;
static struct vmf_xml *edited;

static void start_edit(void)
{
  edited = parse(source);
  ck_assert_int_eq(vmf_xml_edit_new(edited, &edit, &error), VMF_OK);
}

static void end_edit(void)
{
  vmf_xml_edit_free(edit);
  vmf_xml_free(edited);
}

static void set(size_t element, const char *name, const char *value)
{
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, element, "u", name, value, &error), VMF_OK);
}

/* The result is `source` with `from` in place of `to`, and well-formed. */
static void gives(const char *from, const char *to)
{
  const char *place = strstr(source, from);
  char expected[1024], *text;
  size_t length;

  ck_assert_ptr_nonnull(place);
  snprintf(expected, sizeof expected, "%.*s%s%s", (int)(place - source), source, to,
           place + strlen(from));
  ck_assert_int_eq(vmf_xml_edit_apply(edit, &text, &length, &error), VMF_OK);
  ck_assert_str_eq(text, expected);
  ck_assert_uint_eq(length, strlen(expected));
  vmf_xml_free(parse(text));
  vmf_free(text);
}

START_TEST(no_edit_changes_nothing)
{
  gives("<o:e", "<o:e");
  set(F, "none", NULL);
  gives("<o:e", "<o:e");
}
END_TEST

START_TEST(attributes_change_in_place)
{
  set(F, "id", "q'\"<>&\n\t");
  gives("'a&amp;b'", "'q&apos;\"&lt;&gt;&amp;&#10;&#9;'");
  set(F, "id", "new");
  gives("'a&amp;b'", "'new'");
  set(F, "id", NULL);
  gives("  o:id = 'a&amp;b'", "");
  set(F, "id", "back");
  gives("'a&amp;b'", "'back'");
  set(F, "plain", "1");
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, F, NULL, "plain", "2", &error), VMF_OK);
  set(F, "href", "\"\xc3\xa4'");
  set(F, "plain", "");
  gives("'a&amp;b'\n\to:href=\"x\" plain='p'/>", "'back'\n\to:href=\"&quot;\xc3\xa4'\" plain=''/>");
}
END_TEST

START_TEST(attributes_are_added_and_removed)
{
  set(F, "size", "5");
  gives("plain='p'/>", "plain='p' o:size=\"5\"/>");
  set(F, "size", NULL);
  gives("<o:e", "<o:e");
  set(G, "x", "&");
  set(G, "y", "1");
  gives("<o:g/>", "<o:g o:x=\"&amp;\" o:y=\"1\"/>");
  set(G, "x", NULL);
  set(G, "y", NULL);
  set(H, "z", "1");
  gives("<h  >", "<h o:z=\"1\"  >");
  set(H, "z", NULL);
  set(F, "id", NULL);
  set(F, "href", NULL);
  set(F, "plain", NULL);
  set(F, "size", "6");
  gives("<o:f  o:id = 'a&amp;b'\n\to:href=\"x\" plain='p'/>", "<o:f o:size=\"6\"/>");
}
END_TEST

START_TEST(impossible_attributes_are_refused)
{
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, G, "w", "x", "1", &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, G, "v", "x", "1", &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, G, "u", "x", "\x01", &error), VMF_USAGE);
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, G, "u", "x", "\xff", &error), VMF_USAGE);
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, 5, "u", "x", "1", &error), VMF_USAGE);
  gives("<o:e", "<o:e");
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, G, NULL, "x", "1", &error), VMF_OK);
  gives("<o:g/>", "<o:g x=\"1\"/>");
}
END_TEST

START_TEST(a_prefix_with_another_meaning_is_not_taken)
{
  struct vmf_xml *xml = parse("<a xmlns:p='u'><b xmlns:p='w'/><c xmlns:q='u'/></a>");
  struct vmf_xml_edit *other;
  size_t length;
  char *text;

  ck_assert_int_eq(vmf_xml_edit_new(xml, &other, &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_attribute(other, 1, "u", "x", "1", &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_xml_edit_attribute(other, 1, "w", "x", "1", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_attribute(other, 2, "u", "x", "2", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_apply(other, &text, &length, &error), VMF_OK);
  ck_assert_str_eq(text, "<a xmlns:p='u'><b xmlns:p='w' p:x=\"1\"/>"
                         "<c xmlns:q='u' q:x=\"2\"/></a>");
  vmf_free(text);
  vmf_xml_edit_free(other);
  vmf_xml_free(xml);
}
END_TEST

START_TEST(a_text_replaces_all_between_the_tags)
{
  ck_assert_int_eq(vmf_xml_edit_text(edit, H, "<&\">\n", &error), VMF_OK);
  gives("<h  ><i/>t</h >", "<h  >&lt;&amp;\"&gt;\n</h >");
  ck_assert_int_eq(vmf_xml_edit_text(edit, H, "x", &error), VMF_OK);
  gives("<h  ><i/>t</h >", "<h  >x</h >");
  ck_assert_int_eq(vmf_xml_edit_text(edit, G, "one", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_text(edit, G, "two", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_before(edit, G, "<b/>", &error), VMF_OK);
  gives("<o:g/>\n  <h  ><i/>t</h >", "<b/><o:g>two</o:g>\n  <h  >x</h >");
  ck_assert_int_eq(vmf_xml_edit_text(edit, G, "\x01", &error), VMF_USAGE);
  ck_assert_int_eq(vmf_xml_edit_text(edit, G, "\xff", &error), VMF_USAGE);
}
END_TEST

START_TEST(elements_are_inserted_and_removed)
{
  ck_assert_int_eq(vmf_xml_edit_remove(edit, G, &error), VMF_OK);
  gives("\n  <o:g/>", "");
  ck_assert_int_eq(vmf_xml_edit_behind(edit, F, "\n  <new/>", &error), VMF_OK);
  gives("\n  <o:g/>", "\n  <new/>");
  ck_assert_int_eq(vmf_xml_edit_append(edit, G, "<lost/>", &error), VMF_OK);
  gives("\n  <o:g/>", "\n  <new/>");
  ck_assert_int_eq(vmf_xml_edit_append(edit, I, "<x/>", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_append(edit, I, "y", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_append(edit, H, "<z/>", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_attribute(edit, I, "u", "j", "1", &error), VMF_OK);
  gives("\n  <o:g/>\n  <h  ><i/>t</h >", "\n  <new/>\n  <h  ><i o:j=\"1\"><x/>y</i>t<z/></h >");
  ck_assert_int_eq(vmf_xml_edit_remove(edit, H, &error), VMF_OK);
  gives("\n  <o:g/>\n  <h  ><i/>t</h >", "\n  <new/>");
  ck_assert_int_eq(vmf_xml_edit_remove(edit, F, &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_append(edit, E, "<end/>", &error), VMF_OK);
  gives("\n  <o:f  o:id = 'a&amp;b'\n\to:href=\"x\" plain='p'/>\n  <o:g/>\n  <h  ><i/>t</h >\n",
        "\n  <new/>\n<end/>");
}
END_TEST

START_TEST(many_edits_are_no_slower_than_long)
{
  char *text = repeat("<a xmlns:u='u'>", "<b c='1'/>", 100000, "</a>");
  struct vmf_xml *xml = parse(text);
  struct vmf_xml_edit *many;
  char *result;
  size_t length;

  ck_assert_int_eq(vmf_xml_edit_new(xml, &many, &error), VMF_OK);
  for (size_t round = 0; round < 2; round++)
    for (size_t i = 1; i < xml->count; i++)
      ck_assert_int_eq(vmf_xml_edit_attribute(many, i, NULL, "c", "22", &error), VMF_OK);
  ck_assert_int_eq(vmf_xml_edit_apply(many, &result, &length, &error), VMF_OK);
  ck_assert_uint_eq(length, strlen(text) + 100000);
  vmf_free(result);
  vmf_xml_edit_free(many);
  vmf_xml_free(xml);
  free(text);
}
END_TEST

static void add_reading(Suite *suite)
{
  TCase *tests = tcase_create("reading");

  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, utf8_with_a_mark_is_kept_as_it_is);
  tcase_add_loop_test(tests, other_encodings_become_utf8, 0,
                      sizeof encodings / sizeof encodings[0]);
  tcase_add_test(tests, the_declaration_of_utf16_is_corrected);
  tcase_add_test(tests, a_nul_within_is_refused);
  tcase_add_loop_test(tests, nonsense_is_refused, 0, sizeof bad / sizeof bad[0]);
  tcase_add_test(tests, the_line_is_told);
  tcase_add_test(tests, bounds_hold);
  tcase_add_test(tests, bounds_can_be_reached);
  tcase_add_test(tests, spans_are_those_of_the_text);
  tcase_add_test(tests, lines_beyond_16_bits_are_right);
  tcase_add_test(tests, looking_goes_by_namespace);
  tcase_add_test(tests, values_are_unescaped);
  tcase_add_test(tests, an_undeclared_prefix_is_a_warning);
  suite_add_tcase(suite, tests);
}

static void add_editing(Suite *suite)
{
  TCase *tests = tcase_create("editing");

  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, start_edit, end_edit);
  tcase_add_test(tests, no_edit_changes_nothing);
  tcase_add_test(tests, attributes_change_in_place);
  tcase_add_test(tests, attributes_are_added_and_removed);
  tcase_add_test(tests, impossible_attributes_are_refused);
  tcase_add_test(tests, a_prefix_with_another_meaning_is_not_taken);
  tcase_add_test(tests, a_text_replaces_all_between_the_tags);
  tcase_add_test(tests, elements_are_inserted_and_removed);
  tcase_add_test(tests, many_edits_are_no_slower_than_long);
  suite_add_tcase(suite, tests);
}

static Suite *suite(void)
{
  Suite *suite = suite_create("xml");
  add_reading(suite);
  add_editing(suite);
  return suite;
}

VMF_TEST_MAIN(suite)
