/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is read of a descriptor's source text, attributes and character data, against libxml2's own
 * tree of the same text. */
#include <libxml/parser.h>
#include <string.h>

#include "check_main.h"
#include "memory.h"
#include "xml.h"

static struct vmf_error error;

/* Attributes and texts of our element are those of libxml2's whole tree. */
static void is_the_same(const xmlNode *ours, const xmlNode *theirs)
{
  char *text, *value;
  xmlChar *content = xmlNodeGetContent(theirs), *end = content + strlen((char *)content);
  const xmlChar *start = content;
  struct vmf_xml_attribute at = {0};
  size_t count = 0;

  ck_assert_str_eq((const char *)ours->name, (const char *)theirs->name);
  ck_assert_int_eq(vmf_xml_text(ours, &text, &error), VMF_OK);
  while (strchr(" \t\r\n", *start) && *start)
    start++;
  while (end > start && strchr(" \t\r\n", end[-1]))
    *--end = '\0';
  ck_assert_str_eq(text, (const char *)start);
  vmf_free(text);
  xmlFree(content);
  for (const xmlAttr *attribute = theirs->properties; attribute; attribute = attribute->next) {
    const char *uri = attribute->ns ? (const char *)attribute->ns->href : NULL;
    xmlChar *expected = xmlNodeGetContent((const xmlNode *)attribute);
    ck_assert(vmf_xml_attribute_next(ours, &at) && count++ < 99);
    ck_assert(vmf_xml_attribute_is(&at, (const char *)attribute->name));
    const xmlNs *ns = vmf_xml_attribute_namespace(ours, &at);
    ck_assert_pstr_eq(ns ? (const char *)ns->href : NULL, uri);
    ck_assert_int_eq(vmf_xml_attribute_value(ours, &at, &value, &error), VMF_OK);
    ck_assert_str_eq(value, (const char *)expected);
    vmf_free(value);
    xmlFree(expected);
  }
  ck_assert(!vmf_xml_attribute_next(ours, &at));
}

static const char *const odd_texts[] = {
    "<a>\r\n one\rtwo\r\n\r </a>",
    "<a x='1\r\n2\r3\t4\n5' y=\"&#13;&#10;&#9;&#x9;\"/>",
    "<a x=\"'>'\" y='\">/' ><b z='/>'>1</b>2</a >",
    "<a>&#x10FFFF;&#233;&#xe9;&#8364;&amp;amp;&lt;!--&gt;</a>",
    "<a>1<!-- <b> - ' -->2<?p <c> ' ?>3<![CDATA[<d>&amp;]]]]><![CDATA[>\r\n]]>4</a>",
    "<a>1<b>2<c>3</c>4<d/>5</b>6</a>",
    "<p:a xmlns:p='u' xmlns='v' p:x='1' x='2' xml:lang='e' xml:id='i'><b xmlns:p='w' "
    "p:x='3'/></p:a>",
    "<a\nx\n=\n'1'\n\ty = \"2\"\r\n/>",
    "<a x=''></a>",
    "<a>\xc2\xa0\xe2\x82\xac</a>",
};

START_TEST(content_is_what_the_parser_makes_of_it)
{
  const char *text = odd_texts[_i];
  struct vmf_xml *xml = NULL;
  xmlDoc *doc =
      xmlReadMemory(text, (int)strlen(text), NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOWARNING);
  const xmlNode *theirs = xmlDocGetRootElement(doc);

  ck_assert_int_eq(vmf_xml_parse("a.ovf", text, strlen(text), NULL, &xml, &error), VMF_OK);
  for (size_t i = 0; i < xml->count; i++) {
    is_the_same(xml->elements[i], theirs);
    const xmlNode *next = xmlFirstElementChild((xmlNode *)(uintptr_t)theirs);
    while (!next && theirs->type == XML_ELEMENT_NODE) {
      next = xmlNextElementSibling((xmlNode *)(uintptr_t)theirs);
      theirs = next ? theirs : theirs->parent;
    }
    theirs = next;
  }
  xmlFreeDoc(doc);
  vmf_xml_free(xml);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("xml_content");
  TCase *tests = tcase_create("xml_content");

  tcase_add_loop_test(tests, content_is_what_the_parser_makes_of_it, 0,
                      sizeof odd_texts / sizeof *odd_texts);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
