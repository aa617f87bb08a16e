/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Streams whose reads fail, or that end where they should not: of every container of the registry,
 * and of disks within archives and packed files. It is an error then, and there is no target; or
 * the target holds the disk, since nothing of it was missing. */
#include <string.h>

#include "archived.h"
#include "check_main.h"
#include "checked.h"
#include "codec.h"
#include "container.h"
#include "image.h"
#include "memory.h"
#include "scratch.h"
#include "stream.h"
#include "tar.h"
#include "target.h"
#include "view.h"

enum {
  DISK = (1 << 20) + 64 * 1024 + 512,
  OTHER_DISK = 65536,
  STREAM_MOST = 4 << 20,
  STEP = 64,      /* bytes: of the places where a stream ends */
  NEAR = 2 * 512, /* bytes: around a border every step is tried, */
  SAMPLE = 61,    /* elsewhere every so many steps */
  AT_ONCE = 4096, /* bytes that a read of a stream gives */
};

static struct vmf_error error;
static uint8_t content[DISK], stream[STREAM_MOST];
static size_t stream_size;

/* ---- what is read ---- */

static const char ova_xml[] =
    "<value><struct>"
    "<member><name>version</name><value><struct>"
    "<member><name>export_vsn</name><value>2</value></member></struct></value></member>"
    "<member><name>objects</name><value><array><data>"
    "<value><struct><member><name>class</name><value>VM</value></member>"
    "<member><name>id</name><value>Ref:1</value></member><member><name>snapshot</name><value>"
    "<struct><member><name>is_a_snapshot</name><value><boolean>0</boolean></value></member>"
    "</struct></value></member></struct></value>"
#define VDI(id, size, place)                                                                       \
  "<value><struct><member><name>class</name><value>VDI</value></member>"                           \
  "<member><name>id</name><value>" id "</value></member><member><name>snapshot</name><value>"      \
  "<struct><member><name>virtual_size</name><value>" size "</value></member></struct></value>"     \
  "</member></struct></value>"                                                                     \
  "<value><struct><member><name>class</name><value>VBD</value></member>"                           \
  "<member><name>id</name><value>Ref:9" place "</value></member>"                                  \
  "<member><name>snapshot</name><value><struct>"                                                   \
  "<member><name>VDI</name><value>" id "</value></member>"                                         \
  "<member><name>VM</name><value>Ref:1</value></member>"                                           \
  "<member><name>type</name><value>Disk</value></member>"                                          \
  "<member><name>userdevice</name><value>" place "</value></member></struct></value></member>"     \
  "</struct></value>"
    VDI("disk-7", "1114624", "0") VDI("disk-8", "65536", "1") "</data></array></value></member>"
                                                              "</struct></value>";

static const struct vmf_container_disk disks[] = {{.id = "disk-7", .size = DISK},
                                                  {.id = "disk-8", .size = OTHER_DISK}};
static const struct vmf_contents contents = {.disks = disks,
                                             .disk_count = 2,
                                             .text_name = "qemu-server.conf",
                                             .text = ova_xml,
                                             .text_length = sizeof ova_xml - 1};
static const uint8_t id[VMF_GUID_SIZE] = "archive of tests";

/* Noise and letters here and there, so that there are units of all kinds. */
static void make_content(void)
{
  uint32_t state = 7;

  memset(content, 0, sizeof content);
  for (size_t at = 0; at < DISK; at += 3 * 50000) {
    size_t length = vmf_min(50000, DISK - at);
    for (size_t i = 0; i < length; i++)
      content[at + i] = (uint8_t)((state = state * 1664525 + 1013904223) >> (i % 3 ? 30 : 24));
  }
  memset(content + DISK - 512, 'e', 512);
  scratch_write("disk.raw", content, DISK);
  scratch_write("other.raw", content, OTHER_DISK);
}

static struct vmf_image *open_file(const char *path, const char *format)
{
  const struct vmf_image_options options = {.size = sizeof options, .format = format};
  struct vmf_image *image;

  ck_assert_msg(vmf_image_open(path, &options, &image, &error) == VMF_OK, "%s", error.text);
  return image;
}

static enum vmf_code copy(struct vmf_image *image, struct vmf_target *target)
{
  const struct vmf_job_options job = {.size = sizeof job, .threads = 1, .sparse_size = 4096};

  return vmf_convert(image, target, &job, NULL, &error);
}

static void write_part(const struct vmf_format *format, struct vmf_io *archive, unsigned disk)
{
  struct vmf_image *image = open_file(disk == 0 ? "disk.raw" : "other.raw", "raw");
  struct vmf_target *target;
  struct vmf_io *part;
  char *text;

  ck_assert_int_eq(format->container_writer->options(&contents, disk, id, &text, &error), VMF_OK);
  const struct vmf_target_options options = {
      .size = sizeof options, .format = format->name, .options = text, .source = image};
  ck_assert_int_eq(vmf_io_inset(archive, archive->size, "part", &part, &error), VMF_OK);
  ck_assert_msg(vmf_target_create_in(part, "part", NULL, disks[disk].size, &options, &target,
                                     &error) == VMF_OK,
                "%s", error.text);
  ck_assert_msg(copy(image, target) == VMF_OK, "%s", error.text);
  vmf_target_close(target);
  vmf_io_close(part);
  vmf_image_close(image);
  vmf_free(text);
}

/* A machine of two disks. */
static void make_archive(const struct vmf_format *format)
{
  const struct vmf_container_writer *writer = format->container_writer;
  struct vmf_io *archive;

  ck_assert_int_eq(vmf_io_memory("archive", NULL, 0, &archive, &error), VMF_OK);
  ck_assert_msg(writer->begin(archive, &contents, id, 1700000000, &error) == VMF_OK, "%s",
                error.text);
  for (unsigned i = 0; i < contents.disk_count; i++)
    write_part(format, archive, i);
  if (writer->finish)
    ck_assert_int_eq(writer->finish(archive, &error), VMF_OK);
  stream_size = (size_t)archive->size;
  ck_assert_uint_le(stream_size, STREAM_MOST);
  ck_assert_int_eq(vmf_io_pread(archive, stream, stream_size, 0, &error), VMF_OK);
  vmf_io_close(archive);
}

/* The disk alone. */
static void make_file(const char *format, const char *form)
{
  struct vmf_image *image = open_file("disk.raw", "raw");
  const struct vmf_target_options options = {
      .size = sizeof options, .format = format, .options = form, .source = image, .no_sync = true};
  struct vmf_target *target;

  ck_assert_msg(vmf_target_create("made", DISK, &options, &target, &error) == VMF_OK, "%s",
                error.text);
  ck_assert_msg(copy(image, target) == VMF_OK, "%s", error.text);
  ck_assert_int_eq(vmf_target_commit(target, &error), VMF_OK);
  vmf_target_close(target);
  vmf_image_close(image);
  FILE *file = fopen("made", "rb");
  ck_assert_ptr_nonnull(file);
  stream_size = fread(stream, 1, STREAM_MOST, file);
  ck_assert(fclose(file) == 0 && stream_size < STREAM_MOST);
  unlink("made");
}

/* ---- a source with a fault ---- */

static size_t source_end; /* the stream ends there */
static int reads, fails;  /* so many reads there were; the one that fails, from 1 on, or 0 */

struct source {
  uint64_t position;
};

/* What a failed read was to give is lost: it must not be asked for once more. */
static enum vmf_code source_read(void *state, const char *name, uint64_t position, uint8_t *buffer,
                                 size_t length, size_t *got, struct vmf_error *failure)
{
  struct source *source = state;
  uint64_t at = source->position;

  (void)position;
  *got = (size_t)vmf_min(vmf_min(length, AT_ONCE), source_end - at);
  source->position += *got;
  if (++reads == fails)
    return vmf_fail(failure, VMF_READ, "%s: this read was to fail", name);
  memcpy(buffer, stream + at, *got);
  return VMF_OK;
}

static void source_close(void *state)
{
  vmf_free(state);
}

static struct vmf_io *new_stream(void)
{
  static const struct vmf_stream_source source = {.read = source_read, .close = source_close};
  struct vmf_io *io;
  void *state;

  reads = 0;
  ck_assert_int_eq(vmf_alloc(sizeof(struct source), &state, &error), VMF_OK);
  ck_assert_int_eq(vmf_stream_new(&source, state, "stream", &io, &error), VMF_OK);
  return io;
}

/* ---- every container ---- */

static const struct vmf_format *containers[16];
static int container_count;

static void list_containers(void)
{
  for (const struct vmf_format *const *format = vmf_formats; *format; format++)
    if ((*format)->container)
      containers[container_count++] = *format;
}

static void make_stream(const struct vmf_format *format)
{
  make_content();
  if (format->container_writer)
    make_archive(format);
  else
    make_file(format->name, strcmp(format->name, "vmdk") == 0 ? "subformat=streamOptimized" : NULL);
  source_end = stream_size;
}

/* Nothing tells of the size of a raw disk but the person. */
static struct vmf_image_options options_of(const struct vmf_format *format)
{
  return (struct vmf_image_options){.size = sizeof(struct vmf_image_options),
                                    .any_order = true,
                                    .disk = format->container->several ? "1" : NULL,
                                    .source_size = format->container->needs_size ? DISK : 0};
}

static void check_target(void)
{
  static uint8_t found[DISK + 1];
  FILE *file = fopen("target", "rb");

  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fread(found, 1, sizeof found, file), DISK);
  ck_assert(memcmp(found, content, DISK) == 0);
  fclose(file);
  unlink("target");
}

static void check_no_target(void)
{
  ck_assert_msg(!scratch_exists("target"), "%s", error.text);
  ck_assert_msg(error.text[0] != '\0', "an error without a text");
}

/* Into a raw file; the target is the disk, or there is none. */
static enum vmf_code convert(struct vmf_image *image)
{
  const struct vmf_target_options options = {
      .size = sizeof options, .format = "raw", .source = image, .no_sync = true};
  struct vmf_target *target;

  error.text[0] = '\0';
  ck_assert_uint_eq(vmf_image_size(image), DISK);
  ck_assert_int_eq(vmf_target_create("target", DISK, &options, &target, &error), VMF_OK);
  enum vmf_code code = copy(image, target);
  if (code == VMF_OK)
    code = vmf_target_commit(target, &error);
  vmf_target_close(target);
  if (code == VMF_OK)
    check_target();
  else
    check_no_target();
  return code;
}

static enum vmf_code convert_stream(const struct vmf_format *format)
{
  const struct vmf_image_options options = options_of(format);
  struct vmf_image *image;

  enum vmf_code code = vmf_container_open(format, new_stream(), &options, &image, &error);
  if (code != VMF_OK)
    return code;
  code = convert(image);
  vmf_image_close(image);
  return code;
}

START_TEST(every_read_of_a_stream_can_fail)
{
  const struct vmf_format *format = containers[_i];

  make_stream(format);
  fails = 0;
  ck_assert_msg(convert_stream(format) == VMF_OK, "%s: %s", format->name, error.text);
  int all = reads;
  ck_assert_int_gt(all, 10);
  for (fails = 1; fails <= all; fails++) {
    enum vmf_code code = convert_stream(format);
    ck_assert_msg(code == VMF_READ, "%s: read %d of %d fails: code %d: %s", format->name, fails,
                  all, code, error.text);
  }
}
END_TEST

/* ---- where it ends ---- */

static size_t borders[4096]; /* of structures: where the bytes of a run start and end */
static unsigned border_count;

static void note_border(uint64_t at)
{
  ck_assert_uint_lt(border_count, sizeof borders / sizeof borders[0]);
  borders[border_count++] = (size_t)at;
}

static enum vmf_code next_span(struct vmf_image *image, uint64_t *guest, struct vmf_span *span)
{
  if (vmf_image_pieces(image) > 0)
    return vmf_container_arrival(image, span, &error);
  enum vmf_code code = vmf_container_span(image, *guest, span, &error);
  *guest = span->guest + span->length;
  return code;
}

static void list_borders(const struct vmf_format *format)
{
  const struct vmf_image_options options = options_of(format);
  static uint8_t ignored[2 * DISK];
  struct vmf_image *image;
  struct vmf_span span;
  uint64_t guest = 0;

  border_count = 0;
  note_border(0);
  note_border(stream_size);
  ck_assert_int_eq(vmf_container_open(format, new_stream(), &options, &image, &error), VMF_OK);
  do {
    ck_assert_int_eq(next_span(image, &guest, &span), VMF_OK);
    if (span.length == 0 || span.kind == VMF_RUN_ZERO)
      continue;
    size_t length = span.kind == VMF_RUN_PACKED ? span.run.stored : (size_t)span.length;
    note_border(span.run.offset);
    note_border(span.run.offset + length);
    ck_assert_int_eq(vmf_io_pread(image->io, ignored, length, span.run.offset, &error), VMF_OK);
  } while (span.length > 0 && guest < DISK);
  vmf_image_close(image);
}

static bool is_near_border(size_t at)
{
  for (unsigned i = 0; i < border_count; i++)
    if (at + NEAR >= borders[i] && at <= borders[i] + NEAR)
      return true;
  return false;
}

static void end_at(const struct vmf_format *format, size_t at)
{
  if (at >= stream_size)
    return;
  source_end = at;
  enum vmf_code code = convert_stream(format);
  /* a tar archive may lack the zeros of its end, and what is behind the disk is not asked for */
  bool may_be_whole = strcmp(format->name, "xva") == 0;
  ck_assert_msg(code == VMF_CORRUPT || (code == VMF_OK && may_be_whole),
                "%s: ends at byte %zu of %zu: code %d: %s", format->name, at, stream_size, code,
                error.text);
}

START_TEST(a_stream_can_end_anywhere)
{
  const struct vmf_format *format = containers[_i];
  bool all = getenv("VMFERRY_TEST_ALL") != NULL;

  make_stream(format);
  fails = 0;
  list_borders(format);
  for (size_t at = 0; at < stream_size; at += STEP)
    if (all || at / STEP % SAMPLE == 0 || is_near_border(at))
      end_at(format, at);
  for (unsigned i = 0; i < border_count; i++) {
    end_at(format, borders[i] - 1);
    end_at(format, borders[i]);
    end_at(format, borders[i] + 1);
  }
}
END_TEST

/* ---- as a file: by its map, in an archive, packed ---- */

static void make_vmdk(void)
{
  make_stream(vmf_format_find("vmdk"));
}

static void make_vma(void)
{
  make_stream(vmf_format_find("vma"));
}

static void make_xva(void)
{
  make_stream(vmf_format_find("xva"));
}

static void make_tar(void)
{
  struct vmf_io *archive;

  make_content();
  ck_assert_int_eq(vmf_io_memory("archive", NULL, 0, &archive, &error), VMF_OK);
  ck_assert_int_eq(vmf_tar_put(archive, 0, "disk.raw", content, DISK, 1700000000, &error), VMF_OK);
  ck_assert_int_eq(vmf_tar_finish(archive, archive->size, &error), VMF_OK);
  stream_size = source_end = (size_t)archive->size;
  ck_assert_int_eq(vmf_io_pread(archive, stream, stream_size, 0, &error), VMF_OK);
  vmf_io_close(archive);
}

static void make_packed_tar(void)
{
  static uint8_t packed[STREAM_MOST];
  struct vmf_packer *packer;

  make_tar();
  ck_assert_int_eq(vmf_packer_new(VMF_CODEC_GZIP_MEMBER, 1, &packer, &error), VMF_OK);
  ck_assert_int_eq(
      vmf_pack(packer, stream, stream_size, 0, packed, sizeof packed, &stream_size, &error),
      VMF_OK);
  vmf_packer_free(packer);
  memcpy(stream, packed, stream_size);
  source_end = stream_size;
}

static void make_packed(const char *form)
{
  make_content();
  make_file("raw", form);
  source_end = stream_size;
}

static void make_gz(void)
{
  make_packed("compress=gz");
}

static void make_xz(void)
{
  make_packed("compress=xz");
}

static void make_zst(void)
{
  make_packed("compress=zst");
}

static void make_lz4(void)
{
  make_packed("compress=lz4");
}

/* The name tells what is in it. */
static const struct file {
  const char *name;
  void (*make)(void);
  const char *disk;
  bool
      hastens; /* what is read first only tells where the pieces are: without, they come in order */
} files[] = {
    {"disk.vmdk", make_vmdk, NULL, false},        {"disk.vma", make_vma, "1", false},
    {"disk.xva", make_xva, "1", false},           {"disk.tar", make_tar, NULL, false},
    {"disk.tar.gz", make_packed_tar, NULL, true}, {"disk.raw.gz", make_gz, NULL, true},
    {"disk.raw.xz", make_xz, NULL, true},         {"disk.raw.zst", make_zst, NULL, true},
    {"disk.raw.lz4", make_lz4, NULL, true},
};

static enum vmf_code convert_opened(enum vmf_code code, struct vmf_image *image)
{
  if (code != VMF_OK) {
    check_no_target();
    return code;
  }
  code = convert(image);
  vmf_image_close(image);
  return code;
}

static enum vmf_code convert_file(const struct file *file)
{
  const struct vmf_image_options options = {.size = sizeof options, .disk = file->disk};
  struct vmf_image *image;

  error.text[0] = '\0';
  scratch_write(file->name, stream, source_end);
  enum vmf_code code = vmf_image_open(file->name, &options, &image, &error);
  return convert_opened(code, image);
}

START_TEST(a_file_can_end_anywhere)
{
  const struct file *file = &files[_i];
  size_t step = getenv("VMFERRY_TEST_ALL") ? STEP : STEP * SAMPLE;

  file->make();
  ck_assert_msg(convert_file(file) == VMF_OK, "%s: %s", file->name, error.text);
  for (source_end = 0; source_end < stream_size;
       source_end += source_end < NEAR || source_end + 2 * NEAR > stream_size ? STEP : step)
    (void)convert_file(file); /* an error, or the whole disk */
}
END_TEST

static const struct vmf_io_ops *sound;
static struct vmf_io_ops faulty;

static enum vmf_code faulty_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *failure)
{
  if (++reads == fails)
    return vmf_fail(failure, VMF_READ, "%s: this read was to fail", io->name);
  return sound->pread(io, buffer, length, offset, failure);
}

static bool warned;

static void take_warning(void *data, const char *text)
{
  (void)data, (void)text;
  warned = true;
}

static enum vmf_code open_faulty(const struct file *file, struct vmf_image **image)
{
  static const struct vmf_log log = {.warn = take_warning};
  const struct vmf_image_options options = {
      .size = sizeof options, .disk = file->disk, .log = &log};
  VMF_AUTO_FREE char *inner = NULL;
  struct vmf_io *io;

  ck_assert_int_eq(vmf_io_memory(file->name, stream, stream_size, &io, &error), VMF_OK);
  sound = io->ops;
  faulty = *sound;
  faulty.pread = faulty_pread;
  io->ops = &faulty;
  reads = 0;
  warned = false;
  error.text[0] = '\0';
  VMF_TRY(vmf_packed_open(&io, &options, &inner, &error));
  const struct vmf_image_origin origin = {.io = io};
  return vmf_probe_archive(io) ? vmf_archive_open(io, &options, image, &error)
                               : vmf_image_open_origin(&origin, &options, image, &error);
}

START_TEST(every_read_of_a_file_can_fail)
{
  const struct file *file = &files[_i];
  struct vmf_image *image;

  file->make();
  fails = 0;
  enum vmf_code code = open_faulty(file, &image);
  ck_assert_msg(convert_opened(code, image) == VMF_OK, "%s: %s", file->name, error.text);
  int all = reads;
  for (fails = 1; fails <= all; fails++) {
    code = open_faulty(file, &image);
    code = convert_opened(code, image);
    ck_assert_msg(code != VMF_OK || warned || file->hastens,
                  "%s: read %d of %d fails, and nothing tells", file->name, fails, all);
  }
}
END_TEST

static Suite *framing_faults_suite(void)
{
  list_containers();
  Suite *suite = suite_create("framing faults");
  TCase *tests = tcase_create("framing faults");
  tcase_set_timeout(tests, 600);
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_loop_test(tests, every_read_of_a_stream_can_fail, 0, container_count);
  tcase_add_loop_test(tests, a_stream_can_end_anywhere, 0, container_count);
  tcase_add_loop_test(tests, every_read_of_a_file_can_fail, 0, sizeof files / sizeof files[0]);
  tcase_add_loop_test(tests, a_file_can_end_anywhere, 0, sizeof files / sizeof files[0]);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(framing_faults_suite)
