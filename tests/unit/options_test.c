/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Option tables: every type, its default, and what is said to a wrong value. */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"

struct settings {
  bool lazy;
  uint64_t level, cluster;
  char *note;
  unsigned adapter;
};

static const char *const adapters[] = {"ide", "lsilogic", "buslogic", NULL};

static const struct vmf_option table[] = {
    {"lazy", "", VMF_OPTION_BOOL, offsetof(struct settings, lazy), 0, 0, NULL, NULL},
    {"level", "", VMF_OPTION_UINT, offsetof(struct settings, level), 1, 12, NULL, "6"},
    {"cluster", "", VMF_OPTION_SIZE, offsetof(struct settings, cluster), 512, 2097152, NULL, "64k"},
    {"note", "", VMF_OPTION_TEXT, offsetof(struct settings, note), 0, 0, NULL, NULL},
    {"adapter", "", VMF_OPTION_CHOICE, offsetof(struct settings, adapter), 0, 0, adapters,
     "lsilogic"},
};

static const struct vmf_options options = {table, 5, sizeof(struct settings)};

static struct vmf_error error;

static struct settings *parse(const char *text)
{
  void *values = NULL;
  ck_assert_msg(vmf_options_parse(&options, "test", text, &values, &error) == VMF_OK, "%s",
                error.text);
  return values;
}

static void refuse(const char *text, const char *expected)
{
  void *values = &error;
  ck_assert_int_eq(vmf_options_parse(&options, "test", text, &values, &error), VMF_USAGE);
  ck_assert_ptr_null(values);
  ck_assert_str_eq(error.text, expected);
}

START_TEST(nothing_given_is_the_defaults)
{
  static const char *const nothing[] = {NULL, ""};
  struct settings *settings = parse(nothing[_i]);
  ck_assert(!settings->lazy);
  ck_assert_uint_eq(settings->level, 6);
  ck_assert_uint_eq(settings->cluster, 65536);
  ck_assert_ptr_null(settings->note);
  ck_assert_uint_eq(settings->adapter, 1);
  vmf_options_free(&options, settings);
}
END_TEST

START_TEST(every_type_is_read)
{
  struct settings *settings = parse("lazy=on,level=12,cluster=2M,note=a b,adapter=BusLogic");
  ck_assert(settings->lazy);
  ck_assert_uint_eq(settings->level, 12);
  ck_assert_uint_eq(settings->cluster, 2097152);
  ck_assert_str_eq(settings->note, "a b");
  ck_assert_uint_eq(settings->adapter, 2);
  vmf_options_free(&options, settings);
}
END_TEST

START_TEST(words_for_on_and_off)
{
  static const struct {
    const char *text;
    bool value;
  } words[] = {{"lazy=on", true},   {"lazy=YES", true}, {"lazy=true", true},  {"lazy", true},
               {"lazy=off", false}, {"lazy=no", false}, {"lazy=False", false}};
  struct settings *settings = parse(words[_i].text);
  ck_assert_int_eq(settings->lazy, words[_i].value);
  vmf_options_free(&options, settings);
}
END_TEST

START_TEST(doubled_comma_is_part_of_a_value)
{
  struct settings *settings = parse("note=,,a,,b=c,,,level=1");
  ck_assert_str_eq(settings->note, ",a,b=c,");
  ck_assert_uint_eq(settings->level, 1);
  vmf_options_free(&options, settings);
}
END_TEST

START_TEST(last_value_counts)
{
  struct settings *settings = parse("note=a,level=1,note=b,level=2");
  ck_assert_str_eq(settings->note, "b");
  ck_assert_uint_eq(settings->level, 2);
  vmf_options_free(&options, settings);
}
END_TEST

START_TEST(empty_text_is_a_value)
{
  struct settings *settings = parse("note=");
  ck_assert_str_eq(settings->note, "");
  vmf_options_free(&options, settings);
}
END_TEST

START_TEST(wrong_values_are_refused)
{
  static const struct {
    const char *text, *expected;
  } wrong[] = {
      {"colour=red", "test: option \"colour\" is not known: expected one of lazy, level, cluster, "
                     "note, adapter"},
      {"level", "test: option level: a value is missing, as in level=..."},
      {"level=13", "test: option level: \"13\" is not accepted: expected a number from 1 to 12"},
      {"level=-1", "test: option level: \"-1\" is not accepted: expected a number from 1 to 12"},
      {"level=", "test: option level: \"\" is not accepted: expected a number from 1 to 12"},
      {"level=4k", "test: option level: \"4k\" is not accepted: expected a number from 1 to 12"},
      {"cluster=4M",
       "test: option cluster: \"4M\" is not accepted: expected a size from 512 to 2097152"},
      {"lazy=maybe", "test: option lazy: \"maybe\" is not accepted: expected on or off"},
      {"adapter=scsi", "test: option adapter: \"scsi\" is not accepted: expected one of ide, "
                       "lsilogic, buslogic"},
      {"note=kept,level=0",
       "test: option level: \"0\" is not accepted: expected a number from 1 to 12"},
      {"encrypt.format=luks",
       "test: option \"encrypt.format\" of qemu-img is not one of vmferry's: "
       "of what is written only QCOW2 is encrypted (encrypt.format=luks)"},
      {"nocow=on", "test: option \"nocow\" of qemu-img is not one of vmferry's: chattr +C sets it "
                   "for the folder of the target"},
      {"=1", "test: option \"\" is not known: expected one of lazy, level, cluster, note, adapter"},
  };
  refuse(wrong[_i].text, wrong[_i].expected);
}
END_TEST

START_TEST(format_without_options_says_so)
{
  static const struct vmf_options none = {0};
  void *values = NULL;
  ck_assert_int_eq(vmf_options_parse(&none, "test", "a=b", &values, &error), VMF_USAGE);
  ck_assert_str_eq(error.text, "test: option \"a\" is not known: there are none");
  ck_assert_int_eq(vmf_options_parse(&none, "test", NULL, &values, &error), VMF_OK);
  vmf_options_free(&none, values);
}
END_TEST

START_TEST(long_lists_and_values_are_cut)
{
  struct vmf_option many[64];
  char names[64][16], text[1024];
  void *values = NULL;
  for (int i = 0; i < 64; i++) {
    snprintf(names[i], sizeof(names[i]), "option-%d", i);
    many[i] = (struct vmf_option){.name = names[i], .type = VMF_OPTION_UINT};
  }
  memset(text, 'x', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  struct vmf_options long_table = {many, 64, 8};
  ck_assert_int_eq(vmf_options_parse(&long_table, "test", text, &values, &error), VMF_USAGE);
  ck_assert_uint_lt(strlen(error.text), sizeof(error.text) - 1);
  ck_assert_ptr_nonnull(strstr(error.text, "option-0, option-1"));
  ck_assert_str_eq(error.text + strlen(error.text) - 5, ", ...");
}
END_TEST

START_TEST(sizes_are_exact)
{
  static const struct {
    const char *text;
    uint64_t size;
  } sizes[] = {
      {"0", 0},
      {"4096", 4096},
      {"10b", 10},
      {"64k", 65536},
      {"64K", 65536},
      {"1M", 1048576},
      {"2g", UINT64_C(2) << 30},
      {"3T", UINT64_C(3) << 40},
      {"4p", UINT64_C(4) << 50},
      {"15E", UINT64_C(15) << 60},
      {"1.5G", UINT64_C(3) << 29},
      {"10GiB", UINT64_C(10) << 30},
      {"10GB", UINT64_C(10000000000)},
      {"1kib", 1024},
      {"1.5kB", 1500},
      {"1024.0", 1024},
      {"1024.00b", 1024},
      {"2eb", UINT64_C(2000000000000000000)},
      {"0.1k", 102},
      {"7.999999999999999999999E", (UINT64_C(8) << 60) - 1},
      {"0.3333333333333333333333333333333333333k", 341},
      {"18446744073709551615", UINT64_MAX},
      {"0x10", 16},
      {"0X1fB", 507},
      {"0xffffffffffffffff", UINT64_MAX},
      {"15.9999999999999999999999E", UINT64_MAX},
  };
  uint64_t size = 1;
  ck_assert_int_eq(vmf_parse_size(sizes[_i].text, "size", &size, &error), VMF_OK);
  ck_assert_uint_eq(size, sizes[_i].size);
}
END_TEST

START_TEST(other_texts_are_no_size)
{
  static const char *const texts[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "k",
                                      "1kk",
                                      "1KiBB",
                                      "1iB",
                                      "1BB",
                                      "1Gi",
                                      "19EB",
                                      "1.k",
                                      "1.5",
                                      ".5k",
                                      "1e3",
                                      "0x",
                                      "0x1g",
                                      "0x10k",
                                      "0x1.8",
                                      "0x10000000000000000",
                                      "16E",
                                      "1.5e3",
                                      "1.5b",
                                      "18446744073709551616",
                                      "1,5k",
                                      "nan"};
  uint64_t size = 0;
  ck_assert_int_eq(vmf_parse_size(texts[_i], "disk size", &size, &error), VMF_USAGE);
  ck_assert_ptr_nonnull(strstr(error.text, "disk size: "));
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("options");
  TCase *tests = tcase_create("options");
  tcase_add_loop_test(tests, nothing_given_is_the_defaults, 0, 2);
  tcase_add_test(tests, every_type_is_read);
  tcase_add_loop_test(tests, words_for_on_and_off, 0, 7);
  tcase_add_test(tests, doubled_comma_is_part_of_a_value);
  tcase_add_test(tests, last_value_counts);
  tcase_add_test(tests, empty_text_is_a_value);
  tcase_add_loop_test(tests, wrong_values_are_refused, 0, 13);
  tcase_add_test(tests, format_without_options_says_so);
  tcase_add_test(tests, long_lists_and_values_are_cut);
  tcase_add_loop_test(tests, sizes_are_exact, 0, 24);
  tcase_add_loop_test(tests, other_texts_are_no_size, 0, 27);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
