/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Every function of vmferry.h: what its caller may get wrong is VMF_USAGE, not a crash. */
#include "vmferry.h"

#include <unistd.h>

#include "check_main.h"
#include "scratch.h"

static struct vmf_error error;
static struct vmf_image *image;
static struct vmf_target *target;
static struct vmf_package *package;
static uint64_t number;

#define REFUSED(call) ck_assert_int_eq(call, VMF_USAGE)
#define DONE(call) ck_assert_msg((call) == VMF_OK, "%s", error.text)

static void enter(void)
{
  const struct vmf_target_options options = {.size = sizeof options, .format = "raw"};
  static const char bytes[4096] = "some bytes";

  scratch_enter();
  scratch_write("disk.raw", bytes, sizeof bytes);
  DONE(vmf_image_open("disk.raw", NULL, &image, &error));
  DONE(vmf_target_create("target.raw", sizeof bytes, &options, &target, &error));
  DONE(vmf_package_pack(&image, 1, NULL, "vm.ova", NULL, &error));
  DONE(vmf_package_open("vm.ova", NULL, &package, &error));
}

static void leave(void)
{
  vmf_package_close(package);
  vmf_target_close(target);
  vmf_image_close(image);
  scratch_leave();
}

START_TEST(confinement_refuses_null)
{
  struct vmf_confinement offered = {.size = sizeof offered};
  struct vmf_confinement_options options = {.size = sizeof options};

  REFUSED(vmf_confinement_offered(NULL, &error));
  REFUSED(vmf_confinement_offered(&offered, NULL));
  REFUSED(vmf_confine(NULL, NULL, &error));
  REFUSED(vmf_confine(&options, NULL, NULL));
  options.size = 1;
  REFUSED(vmf_confine(&options, NULL, &error));
}
END_TEST

START_TEST(remote_options_are_checked)
{
  struct vmf_remote_options options = {.size = sizeof options};
  const char *none[] = {"no such file", NULL};

  REFUSED(vmf_remote_set(NULL, &error));
  REFUSED(vmf_remote_set(&options, NULL));
  options.size = 1;
  REFUSED(vmf_remote_set(&options, &error));
  options.size = sizeof options;
  options.header_files = none;
  ck_assert_int_eq(vmf_remote_set(&options, &error), VMF_SYSTEM);
}
END_TEST

START_TEST(names_refuse_null)
{
  char *path;

  REFUSED(vmf_location_resolve(NULL, true, &path, &error));
  ck_assert_ptr_null(path);
  REFUSED(vmf_location_resolve("disk.raw", true, NULL, &error));
  REFUSED(vmf_location_resolve("disk.raw", true, &path, NULL));
}
END_TEST

START_TEST(images_refuse_null)
{
  struct vmf_image *none[] = {NULL}, *opened;
  const char *const no_paths[] = {NULL};
  struct vmf_extent extent = {.size = sizeof extent};
  struct vmf_findings findings = {.size = sizeof findings};
  struct vmf_findings_sink sink = {.data = NULL};
  struct vmf_value *info;
  char byte;
  bool flag;

  REFUSED(vmf_image_open(NULL, NULL, &opened, &error));
  REFUSED(vmf_image_open("disk.raw", NULL, NULL, &error));
  REFUSED(vmf_image_open("disk.raw", NULL, &opened, NULL));
  REFUSED(vmf_parts_open(NULL, 1, NULL, &opened, &error));
  REFUSED(vmf_parts_open(no_paths, 1, NULL, &opened, &error));
  REFUSED(vmf_parts_open(no_paths, 0, NULL, &opened, &error));
  REFUSED(vmf_parts_open(no_paths, 1, NULL, NULL, &error));
  ck_assert(!vmf_parts_named(NULL, 1));
  ck_assert(!vmf_parts_named(no_paths, 1));
  REFUSED(vmf_image_resize(NULL, 1 << 20, false, &error));
  REFUSED(vmf_image_concat(NULL, 1, &opened, &error));
  REFUSED(vmf_image_concat(none, 1, &opened, &error));
  REFUSED(vmf_image_concat(none, 0, &opened, &error));
  REFUSED(vmf_image_concat(none, 1, NULL, &error));
  REFUSED(vmf_image_pread(NULL, &byte, 1, 0, &error));
  REFUSED(vmf_image_pread(image, NULL, 1, 0, &error));
  REFUSED(vmf_image_pread(image, &byte, 1, 0, NULL));
  REFUSED(vmf_image_extent(NULL, 0, 1, &extent, &error));
  REFUSED(vmf_image_extent(image, 0, 1, NULL, &error));
  REFUSED(vmf_image_info(NULL, &info, &error));
  REFUSED(vmf_image_info(image, NULL, &error));
  REFUSED(vmf_image_unchanged(NULL, &error));
  REFUSED(vmf_image_partitioned(NULL, &flag, &error));
  REFUSED(vmf_image_partitioned(image, NULL, &error));
  REFUSED(vmf_image_partitioned(image, &flag, NULL));
  REFUSED(vmf_image_efi(NULL, &flag, &error));
  REFUSED(vmf_image_efi(image, NULL, &error));
  REFUSED(vmf_image_efi(image, &flag, NULL));
  REFUSED(vmf_image_unchanged(image, NULL));
  REFUSED(vmf_image_check(NULL, &findings, &error));
  REFUSED(vmf_image_check(image, NULL, &error));
  REFUSED(vmf_image_losses(NULL, &sink, &error));
  REFUSED(vmf_image_losses(image, NULL, &error));
}
END_TEST

START_TEST(targets_refuse_null)
{
  const struct vmf_target_options no_format = {.size = sizeof no_format,
                                               .format = vmf_format_by_suffix("disk.unknown")};
  const struct vmf_target_options raw = {.size = sizeof raw, .format = "raw"};
  struct vmf_target *made;

  REFUSED(vmf_target_create(NULL, 512, &raw, &made, &error));
  REFUSED(vmf_target_create("t", 512, &raw, NULL, &error));
  REFUSED(vmf_target_create("t", 512, &raw, &made, NULL));
  REFUSED(vmf_target_create("t", 512, NULL, &made, &error));
  REFUSED(vmf_target_create("t", 512, &no_format, &made, &error));
  ck_assert_ptr_null(made);
  bool twice;
  REFUSED(vmf_target_reads_twice(NULL, NULL, false, &twice, &error));
  REFUSED(vmf_target_reads_twice("raw", NULL, false, NULL, &error));
  REFUSED(vmf_target_reads_twice("raw", NULL, false, &twice, NULL));
  bool any_order;
  REFUSED(vmf_target_any_order(NULL, NULL, false, &any_order, &error));
  REFUSED(vmf_target_any_order("raw", NULL, false, NULL, &error));
  REFUSED(vmf_target_any_order("raw", NULL, false, &any_order, NULL));
  REFUSED(vmf_target_commit(NULL, &error));
  REFUSED(vmf_target_commit(target, NULL));
}
END_TEST

START_TEST(half_of_an_overlay_is_refused)
{
  const struct vmf_target_options named = {
      .size = sizeof named, .format = "qcow2", .backing_path = "disk.raw", .backing_format = "raw"};
  const struct vmf_target_options opened = {
      .size = sizeof opened, .format = "qcow2", .backing = image};
  struct vmf_target *made;

  REFUSED(vmf_target_create("t", 4096, &named, &made, &error));
  REFUSED(vmf_target_create("t", 4096, &opened, &made, &error));
}
END_TEST

START_TEST(a_target_is_written_and_committed_once)
{
  const struct vmf_job_options job = {.size = sizeof job, .checksum = "sha256"};
  struct vmf_job_result result = {.size = sizeof result};

  DONE(vmf_checksum(image, &job, &result, &error));
  REFUSED(vmf_target_commit(target, &error));
  REFUSED(vmf_verify(target, &job, &result, &error));
  DONE(vmf_convert(image, target, &job, &result, &error));
  REFUSED(vmf_convert(image, target, &job, &result, &error));
  DONE(vmf_verify(target, &job, &result, &error));
  DONE(vmf_target_commit(target, &error));
  REFUSED(vmf_target_commit(target, &error));
  REFUSED(vmf_verify(target, &job, &result, &error));
}
END_TEST

static void no_loss(void *data, uint64_t guest, uint64_t length, const char *why)
{
  (void)data, (void)guest, (void)length, (void)why;
}

START_TEST(jobs_refuse_null)
{
  const struct vmf_job_options job = {.size = sizeof job, .checksum = "sha256"};
  const struct vmf_job_options unread = {.size = sizeof unread, .lost = no_loss, .unread_count = 1};
  struct vmf_job_result result = {.size = sizeof result};
  const struct vmf_clean_options clean = {.size = sizeof clean};
  struct vmf_crew *crew;
  bool flag;

  REFUSED(vmf_convert(image, NULL, &job, &result, &error));
  REFUSED(vmf_convert(image, target, &job, &result, NULL));
  REFUSED(vmf_convert(image, target, &unread, &result, &error));
  REFUSED(vmf_verify(NULL, &job, &result, &error));
  REFUSED(vmf_verify(target, &job, NULL, &error));
  REFUSED(vmf_crew_new(0, NULL, &error));
  REFUSED(vmf_crew_new(0, &crew, NULL));
  REFUSED(vmf_compare(NULL, image, &job, &result, &error));
  REFUSED(vmf_compare(image, NULL, &job, &result, &error));
  REFUSED(vmf_compare(image, image, &job, NULL, &error));
  REFUSED(vmf_image_unpack(NULL, &job, &error));
  REFUSED(vmf_image_unpack(image, &job, NULL));
  REFUSED(vmf_checksum(NULL, &job, &result, &error));
  REFUSED(vmf_checksum(image, &job, NULL, &error));
  REFUSED(vmf_measure(image, 0, NULL, NULL, false, &number, &number, &error));
  REFUSED(vmf_measure(image, 0, "raw", NULL, false, NULL, &number, &error));
  REFUSED(vmf_measure(image, 0, "raw", NULL, false, &number, NULL, &error));
  REFUSED(vmf_measure(image, 0, "raw", NULL, false, &number, &number, NULL));
  REFUSED(vmf_clean(NULL, &clean, &error));
  REFUSED(vmf_clean("a", &clean, NULL));
  REFUSED(vmf_file_write(NULL, "a", 1, true, &error));
  REFUSED(vmf_file_write("a", NULL, 1, true, &error));
  REFUSED(vmf_file_write("a", "a", 1, true, NULL));
  REFUSED(vmf_apply(NULL, "a", NULL, &job, &result, &error));
  REFUSED(vmf_apply(image, NULL, NULL, &job, &result, &error));
  REFUSED(vmf_apply(image, "a", NULL, &job, &result, NULL));
  REFUSED(vmf_measure_overlay(NULL, "a", NULL, &job, &number, &error));
  REFUSED(vmf_measure_overlay(image, NULL, NULL, &job, &number, &error));
  REFUSED(vmf_measure_overlay(image, "a", NULL, &job, NULL, &error));
  REFUSED(vmf_measure_overlay(image, "a", NULL, &job, &number, NULL));
  REFUSED(vmf_measure_bitmaps(NULL, "qcow2", NULL, &flag, &number, &error));
  REFUSED(vmf_measure_bitmaps(image, NULL, NULL, &flag, &number, &error));
  REFUSED(vmf_measure_bitmaps(image, "qcow2", NULL, NULL, &number, &error));
  REFUSED(vmf_measure_bitmaps(image, "qcow2", NULL, &flag, NULL, &error));
}
END_TEST

static enum vmf_code no_bytes(void *data, void *buffer, size_t length, uint64_t offset,
                              struct vmf_error *told)
{
  (void)data, (void)buffer, (void)length, (void)offset, (void)told;
  return VMF_READ;
}

START_TEST(sources_refuse_null)
{
  struct vmf_source source = {.size = sizeof source, .name = "s", .bytes = 1};
  const struct vmf_value value = {.kind = VMF_VALUE_LIST};
  struct vmf_image *opened;
  char *json;

  REFUSED(vmf_image_open_descriptor(-1, NULL, NULL, &opened, &error));
  ck_assert_ptr_null(opened);
  REFUSED(vmf_image_open_descriptor(0, NULL, NULL, NULL, &error));
  REFUSED(vmf_image_open_descriptor(0, NULL, NULL, &opened, NULL));
  REFUSED(vmf_image_open_source(NULL, NULL, &opened, &error));
  REFUSED(vmf_image_open_source(&source, NULL, &opened, &error));
  source.read = no_bytes;
  REFUSED(vmf_image_open_source(&source, NULL, NULL, &error));
  REFUSED(vmf_image_open_source(&source, NULL, &opened, NULL));
  source.name = NULL;
  REFUSED(vmf_image_open_source(&source, NULL, &opened, &error));
  source.size = 1;
  REFUSED(vmf_image_open_source(&source, NULL, &opened, &error));
  REFUSED(vmf_value_json(NULL, &json, &error));
  REFUSED(vmf_value_json(&value, NULL, &error));
  REFUSED(vmf_value_json(&value, &json, NULL));
}
END_TEST

START_TEST(files_of_packages_refuse_null)
{
  struct vmf_package_file file = {.size = sizeof file};
  struct vmf_image *opened;

  ck_assert(!vmf_package_file(NULL, 0, &file));
  ck_assert(!vmf_package_file(package, 0, NULL));
  file.size = 0;
  ck_assert(!vmf_package_file(package, 0, &file));
  REFUSED(vmf_package_open_file(NULL, "f", NULL, &opened, &error));
  ck_assert_ptr_null(opened);
  REFUSED(vmf_package_open_file(package, NULL, NULL, &opened, &error));
  REFUSED(vmf_package_open_file(package, "f", NULL, NULL, &error));
  REFUSED(vmf_package_open_file(package, "f", NULL, &opened, NULL));
}
END_TEST

START_TEST(packages_refuse_null)
{
  const struct vmf_package_target key = {.size = sizeof key, .key_path = "key.pem"};
  struct vmf_package_verdict verdict = {.size = sizeof verdict};
  struct vmf_image *none[] = {NULL}, *opened;
  struct vmf_package *made;
  struct vmf_value *info;

  REFUSED(vmf_package_open(NULL, NULL, &made, &error));
  REFUSED(vmf_package_open("vm.ova", NULL, NULL, &error));
  REFUSED(vmf_package_open("vm.ova", NULL, &made, NULL));
  REFUSED(vmf_package_open_disk(NULL, NULL, NULL, &opened, &error));
  REFUSED(vmf_package_open_disk(package, NULL, NULL, NULL, &error));
  REFUSED(vmf_disk_open(NULL, NULL, &opened, &error));
  REFUSED(vmf_disk_open("disk.raw", NULL, NULL, &error));
  REFUSED(vmf_package_info(NULL, &info, &error));
  REFUSED(vmf_package_info(package, NULL, &error));
  REFUSED(vmf_package_verify(NULL, NULL, &verdict, &error));
  REFUSED(vmf_package_verify(package, NULL, NULL, &error));
  REFUSED(vmf_package_convert(NULL, "t.ova", NULL, &error));
  REFUSED(vmf_package_convert(package, NULL, NULL, &error));
  REFUSED(vmf_package_convert(package, "", NULL, &error));
  REFUSED(vmf_package_pack(NULL, 1, NULL, "t.ova", NULL, &error));
  REFUSED(vmf_package_pack(none, 1, NULL, "t.ova", NULL, &error));
  REFUSED(vmf_package_pack(&image, 0, NULL, "t.ova", NULL, &error));
  REFUSED(vmf_package_pack(&image, 1, NULL, NULL, NULL, &error));
  REFUSED(vmf_package_pack(&image, 1, NULL, "", NULL, &error));
  REFUSED(vmf_package_pack(&image, 1, NULL, "t.ova", NULL, NULL));
  REFUSED(vmf_package_sign(NULL, VMF_SIGNING_SIGN, &key, &error));
  REFUSED(vmf_package_sign("vm.ova", VMF_SIGNING_SIGN, NULL, &error));
}
END_TEST

START_TEST(a_certificate_without_a_key_is_refused)
{
  const struct vmf_package_target certificate = {.size = sizeof certificate, .cert_path = "c.pem"};
  const struct vmf_package_target passphrase = {.size = sizeof passphrase,
                                                .passphrase_file = "secret"};

  REFUSED(vmf_package_pack(&image, 1, NULL, "unsigned.ova", &certificate, &error));
  ck_assert_str_eq(error.text, "c.pem: there is no key to sign with");
  REFUSED(vmf_package_pack(&image, 1, NULL, "unsigned.ova", &passphrase, &error));
  ck_assert_int_ne(access("unsigned.ova", F_OK), 0);
}
END_TEST

START_TEST(lists_of_what_opens_and_is_chosen_are_whole)
{
  struct vmf_secret secret = {.length = 1};
  struct vmf_property_options property = {0};
  struct vmf_install_options install = {.size = sizeof install, .property_count = 1};
  struct vmf_image_options locked = {.size = sizeof locked, .secret_count = 1};
  const struct vmf_package_options chosen = {.size = sizeof chosen, .install = &install};
  const struct vmf_target_options sealed = {
      .size = sizeof sealed, .format = "raw", .secret = &secret};
  struct vmf_package *made;
  struct vmf_target *written;
  struct vmf_image *opened;

  REFUSED(vmf_image_open("disk.raw", &locked, &opened, &error));
  locked.secrets = &secret;
  REFUSED(vmf_image_open("disk.raw", &locked, &opened, &error));
  REFUSED(vmf_target_create("t", 512, &sealed, &written, &error));
  REFUSED(vmf_package_open("vm.ova", &chosen, &made, &error));
  install.properties = &property;
  REFUSED(vmf_package_open("vm.ova", &chosen, &made, &error));
  property.key = "key";
  REFUSED(vmf_package_open("vm.ova", &chosen, &made, &error));
}
END_TEST

START_TEST(lists_of_a_machine_are_whole)
{
  static const struct vmf_property_options half = {.key = "key"};
  static const char *const gap[] = {"sata", NULL};
  const struct vmf_machine_options machines[] = {
      {.size = sizeof(struct vmf_machine_options), .controller_count = 1},
      {.size = sizeof(struct vmf_machine_options), .controller_count = 2, .controllers = gap},
      {.size = sizeof(struct vmf_machine_options), .nic_count = 1},
      {.size = sizeof(struct vmf_machine_options), .property_count = 1},
      {.size = sizeof(struct vmf_machine_options), .property_count = 1, .properties = &half},
      {.size = sizeof(struct vmf_machine_options), .eula_count = 2, .eulas = gap},
      {.size = sizeof(struct vmf_machine_options), .template_ = package, .platform = "esxi"},
  };

  REFUSED(vmf_package_pack(&image, 1, &machines[_i], "t.ova", NULL, &error));
}
END_TEST

START_TEST(machines_refuse_null)
{
  const struct vmf_image_options sizeless = {.no_refs = true};
  struct vmf_machines *machines;
  struct vmf_value *info;

  REFUSED(vmf_machines_open(NULL, NULL, &machines, &error));
  ck_assert_ptr_null(machines);
  REFUSED(vmf_machines_open("disk.raw", NULL, NULL, &error));
  REFUSED(vmf_machines_open("disk.raw", NULL, &machines, NULL));
  REFUSED(vmf_machines_open("disk.raw", &sizeless, &machines, &error));
  REFUSED(vmf_machines_info(NULL, &info, &error));
  ck_assert_ptr_null(info);
  REFUSED(vmf_machines_convert(NULL, "t.vmx", NULL, &error));
}
END_TEST

START_TEST(questions_about_null_have_an_answer)
{
  struct vmf_option_info option = {.size = sizeof option};
  struct vmf_package_disk disk = {.size = sizeof disk};

  vmf_value_free(NULL);
  vmf_crew_free(NULL);
  vmf_image_close(NULL);
  vmf_target_close(NULL);
  vmf_package_close(NULL);
  vmf_cancel_request(NULL);
  ck_assert(!vmf_cancel_requested(NULL));
  ck_assert(!vmf_word_similar(NULL, "word"));
  ck_assert(!vmf_word_similar("word", NULL));
  ck_assert(!vmf_format_describe(0, NULL));
  ck_assert(!vmf_format_option(NULL, 0, &option));
  ck_assert(!vmf_format_option("qcow2", 0, NULL));
  ck_assert_ptr_null(vmf_format_by_suffix(NULL));
  ck_assert_ptr_null(vmf_suffix_meaning(NULL));
  ck_assert_ptr_null(vmf_image_path(NULL));
  ck_assert_ptr_null(vmf_image_format(NULL));
  ck_assert(!vmf_image_guessed(NULL));
  ck_assert_uint_eq(vmf_image_size(NULL), 0);
  ck_assert_ptr_null(vmf_image_parent(NULL));
  ck_assert(!vmf_package_recognise(NULL));
  ck_assert(!vmf_image_recognise(NULL));
  ck_assert(!vmf_package_disk(NULL, 0, &disk));
  ck_assert(!vmf_package_disk(package, 0, NULL));
  ck_assert(!vmf_guest_os_describe(0, NULL));
  ck_assert(!vmf_profile_describe(0, NULL));
  struct vmf_profile_info profile = {.size = sizeof profile};
  REFUSED(vmf_profile_find(NULL, &profile, &error));
  REFUSED(vmf_profile_find("esxi", NULL, &error));
  struct vmf_lint_result judged = {.size = sizeof judged};
  REFUSED(vmf_lint(NULL, "esxi", NULL, &judged, &error));
  REFUSED(vmf_lint("vm.ova", NULL, NULL, &judged, &error));
  REFUSED(vmf_lint("vm.ova", "esxi", NULL, NULL, &error));
  REFUSED(vmf_lint("vm.ova", "esxi", NULL, &judged, NULL));
  REFUSED(vmf_lint("vm.ova", "esxi", &(struct vmf_lint_options){0}, &judged, &error));
  REFUSED(vmf_lint("vm.ova", "esxi", NULL, &(struct vmf_lint_result){0}, &error));
  struct vmf_lint_rule_info rule = {.size = sizeof rule};
  ck_assert(!vmf_lint_rule_describe(NULL, 0, &rule));
  ck_assert(!vmf_lint_rule_describe("esxi", 0, NULL));
  ck_assert(!vmf_lint_rule_describe("esx", 0, &rule));
  ck_assert(!vmf_lint_rule_describe("esxi", 1000, &rule));
  ck_assert(vmf_lint_rule_describe("esxi", 0, &rule));
  REFUSED(vmf_image_check_sectors(NULL, 512, &error));
  REFUSED(vmf_profile_size(NULL, 1, &number, &error));
  REFUSED(vmf_profile_size(&profile, 1, NULL, &error));
  ck_assert(!vmf_disk_form_describe(0, NULL));
  ck_assert(!vmf_machine_format_describe(0, NULL));
  ck_assert(!vmf_machines_recognise(NULL));
  vmf_machines_close(NULL);
  ck_assert_str_eq(vmf_version(), VMF_VERSION);
  ck_assert_uint_eq(vmf_version_number(), VMF_VERSION_NUMBER);
  ck_assert_ptr_nonnull(vmf_sha256_method_name());
}
END_TEST

START_TEST(every_code_has_a_text)
{
  for (enum vmf_code code = VMF_OK; code <= VMF_SECRET; code++) {
    ck_assert_str_ne(vmf_code_text(code), vmf_code_text((enum vmf_code)10000));
    for (enum vmf_code other = VMF_OK; other < code; other++)
      ck_assert_str_ne(vmf_code_text(code), vmf_code_text(other));
  }
  ck_assert_str_eq(vmf_code_text(VMF_CHANGED), "a source changed while it was read");
}
END_TEST

/* What is given without its size is neither read nor written. */
START_TEST(no_function_takes_a_struct_without_its_size)
{
  const struct vmf_image_options image_options = {.format = "raw"};
  const struct vmf_target_options target_options = {.format = "raw"};
  const struct vmf_job_options job = {.threads = 1}, right = {.size = sizeof right};
  const struct vmf_package_options package_options = {.no_cache = true};
  const struct vmf_package_check check = {.threads = 1};
  const struct vmf_package_target package_target = {.threads = 1};
  const struct vmf_machine_options machine = {.cpus = 1};
  const struct vmf_machine_target_options machine_target = {.copy = true};
  const struct vmf_machine_edits edits = {.cpus = 1};
  const struct vmf_edit_target edit_target = {.dry_run = true};
  struct vmf_machines *machines;
  struct vmf_job_result result = {.data_bytes = 1};
  struct vmf_package_verdict verdict = {.files = 1};
  struct vmf_findings findings = {.leaks = 1};
  struct vmf_extent extent = {.length = 1};
  struct vmf_image *opened;
  struct vmf_target *made;
  struct vmf_package *found;

  REFUSED(vmf_image_open("disk.raw", &image_options, &opened, &error));
  REFUSED(vmf_disk_open("disk.raw", &image_options, &opened, &error));
  REFUSED(vmf_package_open_disk(package, NULL, &image_options, &opened, &error));
  REFUSED(vmf_image_extent(image, 0, 1, &extent, &error));
  REFUSED(vmf_image_check(image, &findings, &error));
  REFUSED(vmf_target_create("t", 512, &target_options, &made, &error));
  REFUSED(vmf_convert(image, target, &job, NULL, &error));
  REFUSED(vmf_convert(image, target, &right, &result, &error));
  REFUSED(vmf_verify(target, &right, &result, &error));
  REFUSED(vmf_compare(image, image, &right, &result, &error));
  REFUSED(vmf_checksum(image, &right, &result, &error));
  REFUSED(vmf_package_open("vm.ova", &package_options, &found, &error));
  REFUSED(vmf_package_verify(package, &check, &verdict, &error));
  REFUSED(vmf_package_verify(package, NULL, &verdict, &error));
  REFUSED(vmf_package_convert(package, "t.ova", &package_target, &error));
  REFUSED(vmf_package_pack(&image, 1, &machine, "t.ova", NULL, &error));
  REFUSED(vmf_package_pack(&image, 1, NULL, "t.ova", &package_target, &error));
  REFUSED(vmf_package_sign("vm.ova", VMF_SIGNING_REMOVE, &package_target, &error));
  REFUSED(vmf_machine_edit("vm.ova", &edits, NULL, &error));
  REFUSED(vmf_machine_edit("vm.ova", NULL, &edit_target, &error));
  REFUSED(vmf_machine_edit(NULL, NULL, NULL, &error));
  REFUSED(vmf_machine_edit("vm.ova", NULL, NULL, NULL));
  DONE(vmf_machine_edit("vm.ova", NULL, NULL, &error));
  DONE(vmf_machines_open("vm.ova", NULL, &machines, &error));
  REFUSED(vmf_machines_convert(machines, "t.vmx", &machine_target, &error));
  REFUSED(vmf_machines_convert(machines, NULL, NULL, &error));
  DONE(vmf_machines_convert(machines, "t.vmx", NULL, &error));
  vmf_machines_close(machines);
  ck_assert(result.data_bytes == 1 && verdict.files == 1 && findings.leaks == 1);
  ck_assert_uint_eq(extent.length, 1);
}
END_TEST

START_TEST(descriptions_take_no_struct_without_its_size)
{
  struct vmf_format_info format = {.size = 0};
  struct vmf_option_info option = {.size = 0};
  struct vmf_guest_os_info guest_os = {.size = 0};
  struct vmf_disk_form_info form = {.size = 0};
  struct vmf_machine_format_info machine_format = {.size = 0};
  struct vmf_package_disk disk = {.size = 0};

  ck_assert(!vmf_format_describe(0, &format));
  ck_assert(!vmf_format_option("qcow2", 0, &option));
  ck_assert(!vmf_guest_os_describe(0, &guest_os));
  ck_assert(!vmf_disk_form_describe(0, &form));
  ck_assert(!vmf_machine_format_describe(0, &machine_format));
  ck_assert_ptr_null(vmf_library_name(SIZE_MAX, NULL, NULL));
  ck_assert(!vmf_package_disk(package, 0, &disk));
}
END_TEST

START_TEST(no_options_are_enough)
{
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_package_verdict verdict = {.size = sizeof verdict};

  DONE(vmf_convert(image, target, NULL, NULL, &error));
  DONE(vmf_target_commit(target, &error));
  DONE(vmf_compare(image, image, NULL, &result, &error));
  ck_assert(result.identical && result.size == sizeof result);
  DONE(vmf_package_convert(package, "copy.ova", NULL, &error));
  DONE(vmf_package_verify(package, NULL, &verdict, &error));
  ck_assert_uint_eq(verdict.counts[VMF_SEVERITY_FAILURE], 0);
}
END_TEST

static Suite *suite(void)
{
  Suite *made = suite_create("api");
  TCase *tests = tcase_create("api");

  tcase_add_checked_fixture(tests, enter, leave);
  tcase_add_test(tests, confinement_refuses_null);
  tcase_add_test(tests, remote_options_are_checked);
  tcase_add_test(tests, names_refuse_null);
  tcase_add_test(tests, images_refuse_null);
  tcase_add_test(tests, targets_refuse_null);
  tcase_add_test(tests, half_of_an_overlay_is_refused);
  tcase_add_test(tests, a_target_is_written_and_committed_once);
  tcase_add_test(tests, jobs_refuse_null);
  tcase_add_test(tests, sources_refuse_null);
  tcase_add_test(tests, files_of_packages_refuse_null);
  tcase_add_test(tests, packages_refuse_null);
  tcase_add_test(tests, a_certificate_without_a_key_is_refused);
  tcase_add_test(tests, lists_of_what_opens_and_is_chosen_are_whole);
  tcase_add_loop_test(tests, lists_of_a_machine_are_whole, 0, 7);
  tcase_add_test(tests, machines_refuse_null);
  tcase_add_test(tests, questions_about_null_have_an_answer);
  tcase_add_test(tests, every_code_has_a_text);
  tcase_add_test(tests, no_function_takes_a_struct_without_its_size);
  tcase_add_test(tests, descriptions_take_no_struct_without_its_size);
  tcase_add_test(tests, no_options_are_enough);
  suite_add_tcase(made, tests);
  return made;
}

VMF_TEST_MAIN(suite)
