/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Units that are larger than a job, and framing that no real format has yet: in a file, on a device
 * and on a pipe. */
#include <string.h>
#include <sys/resource.h>

#include "bytes.h"
#include "check_main.h"
#include "checked.h"
#include "crate.h"
#include "digest.h"
#include "image.h"
#include "memory.h"
#include "output.h"
#include "scratch.h"
#include "target.h"

#define MiB (1024 * 1024ull)

static struct vmf_error error;
static uint8_t block[MiB];

/* ---- a source: at each MiB that is named, noise ---- */

static const uint64_t far[] = {0, 1, 255, 300, 301, 700, 767, 1030};
static const uint64_t near[] = {0, 3, 5, 6, 21, 22, 30};

struct content {
  uint64_t size;
  const uint64_t *data; /* MiB */
  size_t count;
};
static const struct content far_disk = {1030 * MiB + 1536, far, 8};
static const struct content near_disk = {30 * MiB + 1536, near, 7};

static void noise(uint64_t at)
{
  uint64_t state = at * 0x9e3779b97f4a7c15ull + 1;

  for (size_t i = 0; i < sizeof block; i += 8) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    put_le64(block + i, state | 1);
  }
}

static void write_disk(const struct content *content)
{
  int number = open("disk.raw", O_RDWR | O_CREAT | O_TRUNC, 0600);

  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(ftruncate(number, (off_t)content->size), 0);
  for (size_t i = 0; i < content->count; i++) {
    uint64_t at = content->data[i] * MiB;
    size_t length = content->size - at < MiB ? (size_t)(content->size - at) : MiB;
    noise(at);
    ck_assert_int_eq(pwrite(number, block, length, (off_t)at), (ssize_t)length);
  }
  close(number);
}

static struct vmf_image *open_disk(void)
{
  const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw"};
  struct vmf_image *image;

  ck_assert_int_eq(vmf_image_open("disk.raw", &raw, &image, &error), VMF_OK);
  return image;
}

/* ---- targets ---- */

/* Files of the tests' own, since a crate has no name that an output could be asked for. */
static void make_crate(struct vmf_draft *draft, const struct crate_options *options,
                       struct vmf_io *io, uint64_t size)
{
  *draft = (struct vmf_draft){.target = {.format = &crate_format,
                                         .options = options,
                                         .io = io,
                                         .name = "crate",
                                         .guest_size = size}};
  ck_assert_int_eq(
      crate_format.writer->shape(options, size, false, false, &draft->target.shape, &error),
      VMF_OK);
  ck_assert_int_eq(vmf_alloc(crate_format.writer->state_size, &draft->target.state, &error),
                   VMF_OK);
}

static enum vmf_code fill_crate(struct vmf_image *source, const struct crate_options *options,
                                struct vmf_io *io, unsigned threads)
{
  const struct vmf_job_options job = {
      .size = sizeof job, .threads = threads, .sparse_size = 4096, .no_reflink = true};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_draft draft;

  make_crate(&draft, options, io, vmf_image_size(source));
  enum vmf_code code = vmf_convert(source, &draft.target, &job, &result, &error);
  crate_format.writer->release(&draft.target);
  vmf_free(draft.target.state);
  vmf_free(draft.exact.data_units);
  return code;
}

/* The bytes are noise, all of them, until they are written: as on a device, or zeros as in a file.
 */
static struct vmf_io *open_memory(size_t dirty)
{
  static uint8_t dirt[MiB];
  struct vmf_io *io;

  memset(dirt, 0xaa, sizeof dirt);
  ck_assert_int_eq(vmf_io_memory("memory", NULL, 0, &io, &error), VMF_OK);
  for (size_t at = 0; at < dirty; at += sizeof dirt)
    ck_assert_int_eq(vmf_io_pwrite(io, dirt, sizeof dirt, at, &error), VMF_OK);
  io->reads_as_zero = dirty == 0;
  return io;
}

static struct vmf_io *taken; /* what came out of the pipe */
static int write_to_fail;    /* the number of a write; 0: none, they are counted below it */
static void (*change)(void); /* called once, when the first bytes go out */

static enum vmf_code pipe_pwrite(struct vmf_io *io, const struct vmf_piece *pieces, unsigned count,
                                 uint64_t offset, struct vmf_error *failure)
{
  void (*now)(void) = change;

  ck_assert_uint_ge(offset, io->size);
  if (--write_to_fail == 0)
    return vmf_fail(failure, VMF_WRITE, "this write was to fail");
  change = NULL;
  if (now)
    now();
  enum vmf_code code = vmf_io_pwrite_pieces(taken, pieces, count, offset, failure);
  io->size = taken->size;
  return code;
}

static enum vmf_code pipe_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                               struct vmf_error *failure)
{
  const struct vmf_piece piece = {.length = (size_t)length};

  (void)allocate;
  return pipe_pwrite(io, &piece, 1, offset, failure);
}

static const struct vmf_io_ops pipe_ops = {
    .kind = "pipe", .pwrite = pipe_pwrite, .zero = pipe_zero};

/* ---- what a crate must hold ---- */

static bool has_data(const struct content *content, uint64_t first, uint64_t end)
{
  for (size_t i = 0; i < content->count; i++)
    if (content->data[i] >= first && content->data[i] < end)
      return true;
  return false;
}

static void check_bytes(struct vmf_io *io, uint64_t host, const struct content *content,
                        uint64_t at)
{
  static uint8_t expected[MiB];
  size_t length = content->size - at < MiB ? (size_t)(content->size - at) : MiB;

  memset(expected, 0, sizeof expected);
  if (has_data(content, at / MiB, at / MiB + 1)) {
    noise(at);
    memcpy(expected, block, length);
  }
  ck_assert_int_eq(vmf_io_pread(io, block, MiB, host, &error), VMF_OK);
  ck_assert_msg(memcmp(block, expected, MiB) == 0, "guest MiB %d", (int)(at / MiB));
}

static void check_unit(struct vmf_io *io, const struct content *content, uint64_t unit,
                       uint64_t guest, uint64_t host)
{
  uint8_t head[CRATE_HEAD];

  ck_assert_int_eq(vmf_io_pread(io, head, sizeof head, host, &error), VMF_OK);
  ck_assert_uint_eq(get_be64(head), guest);
  ck_assert_int_eq(head[CRATE_HEAD - 1], 0xcc);
  for (uint64_t at = 0; at < unit && guest + at < content->size; at += MiB)
    check_bytes(io, host + CRATE_HEAD + at, content, guest + at);
}

static void check_crate(struct vmf_io *io, const struct content *content, uint64_t unit)
{
  uint8_t entry[8];

  for (uint64_t guest = 0; guest < content->size; guest += unit) {
    ck_assert_int_eq(vmf_io_pread(io, entry, 8, CRATE_TABLE + guest / unit * 8, &error), VMF_OK);
    ck_assert_int_eq(get_be64(entry) > 0, has_data(content, guest / MiB, (guest + unit) / MiB));
    if (get_be64(entry) > 0)
      check_unit(io, content, unit, guest, get_be64(entry));
  }
}

/* ---- the tests ---- */

START_TEST(a_unit_of_256_mib_comes_in_parts)
{
  const struct vmf_output_options no_sync = {.no_sync = true};
  const struct crate_options options = {.unit = 256 * MiB};
  struct vmf_output *output;
  struct rusage usage;

  write_disk(&far_disk);
  struct vmf_image *source = open_disk();
  ck_assert_int_eq(vmf_output_new("crate", &no_sync, &output, &error), VMF_OK);
  struct vmf_io *io = vmf_output_main(output);
  ck_assert_int_eq(fill_crate(source, &options, io, 4), VMF_OK);
  check_crate(io, &far_disk, options.unit);
  ck_assert_uint_eq(io->size,
                    vmf_align_up(CRATE_TABLE + 5 * 8, 4096) + 4 * (256 * MiB + CRATE_HEAD));
  ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
  ck_assert_int_lt(usage.ru_maxrss, 200 * 1024); /* KiB */
  vmf_output_close(output);
  vmf_image_close(source);
}
END_TEST

static const uint32_t units[] = {MiB, 2 * MiB, 4 * MiB, 16 * MiB, 64 * MiB};

START_TEST(a_device_and_a_pipe_take_what_a_file_takes)
{
  const struct crate_options options = {.unit = units[_i]};
  struct vmf_io pipe = {.ops = &pipe_ops, .name = (char *)"pipe", .sequential = true};
  struct vmf_io *file = open_memory(0), *device = open_memory(160 * MiB);

  write_disk(&near_disk);
  struct vmf_image *source = open_disk();
  ck_assert_int_eq(fill_crate(source, &options, file, 1), VMF_OK);
  check_crate(file, &near_disk, options.unit);
  ck_assert_int_eq(fill_crate(source, &options, device, 4), VMF_OK);
  check_crate(device, &near_disk, options.unit);
  taken = open_memory(0);
  ck_assert_int_eq(fill_crate(source, &options, &pipe, 3), VMF_OK);
  check_crate(taken, &near_disk, options.unit);
  ck_assert_uint_eq(taken->size, file->size);
  vmf_io_close(taken);
  vmf_io_close(device);
  vmf_io_close(file);
  vmf_image_close(source);
}
END_TEST

START_TEST(a_block_has_its_digest_when_it_is_wrapped)
{
  const struct crate_options options = {.unit = MiB, .sealed = true};
  struct vmf_io *io = open_memory(0);
  uint8_t entry[8], found[CRATE_TAIL], digest[VMF_DIGEST_MAX];

  write_disk(&near_disk);
  struct vmf_image *source = open_disk();
  ck_assert_int_eq(fill_crate(source, &options, io, 4), VMF_OK);
  check_crate(io, &near_disk, options.unit);
  for (uint64_t unit = 0; unit < near_disk.size; unit += options.unit) {
    ck_assert_int_eq(vmf_io_pread(io, entry, 8, CRATE_TABLE + unit / MiB * 8, &error), VMF_OK);
    if (get_be64(entry) == 0)
      continue;
    uint64_t data = get_be64(entry) + CRATE_HEAD;
    ck_assert_int_eq(vmf_io_pread(io, block, MiB, data, &error), VMF_OK);
    ck_assert_int_eq(vmf_io_pread(io, found, sizeof found, data + MiB, &error), VMF_OK);
    ck_assert_int_eq(vmf_digest_bytes(VMF_SHA1, block, MiB, digest, &error), VMF_OK);
    ck_assert_mem_eq(found, digest, 20);
    ck_assert_int_eq(found[CRATE_TAIL - 1], 0xcc);
  }
  vmf_io_close(io);
  vmf_image_close(source);
}
END_TEST

/* ---- a source that changes between the survey for a pipe and the copy ---- */

static struct vmf_io *disk; /* the source's bytes */

static void put(uint64_t at, uint8_t byte)
{
  memset(block, byte, sizeof block);
  ck_assert_int_eq(vmf_io_pwrite(disk, block, MiB, at * MiB, &error), VMF_OK);
}

static void clear_data(void)
{
  put(5, 0);
  put(6, 0);
}

static void add_data(void)
{
  put(13, 0x77);
}

/* Of units of 4 MiB the second, with MiB 5 and 6, and the last hold data. */
static enum vmf_code pour(void (*when_it_starts)(void))
{
  const struct crate_options options = {.unit = 4 * MiB};
  struct vmf_io pipe = {.ops = &pipe_ops, .name = (char *)"pipe", .sequential = true};
  const struct vmf_image_options raw = {.size = sizeof raw, .format = "raw", .no_chain = true};
  struct vmf_image_origin origin = {.io = NULL};
  struct vmf_image *source;

  disk = origin.io = open_memory(0);
  taken = open_memory(0);
  put(5, 0x55);
  put(6, 0x66);
  put(21, 0x11);
  ck_assert_int_eq(vmf_image_open_origin(&origin, &raw, &source, &error), VMF_OK);
  change = when_it_starts;
  enum vmf_code code = fill_crate(source, &options, &pipe, 2);
  vmf_image_close(source);
  return code;
}

START_TEST(a_promised_unit_that_is_empty_goes_out_as_zeros)
{
  uint8_t entry[8];

  ck_assert_int_eq(pour(clear_data), VMF_OK);
  ck_assert_int_eq(vmf_io_pread(taken, entry, 8, CRATE_TABLE + 8, &error), VMF_OK);
  ck_assert_uint_eq(taken->size, get_be64(entry) + 2 * (4 * MiB + CRATE_HEAD));
  for (uint64_t at = 0; at < 4; at++) {
    ck_assert_int_eq(
        vmf_io_pread(taken, block, MiB, get_be64(entry) + CRATE_HEAD + at * MiB, &error), VMF_OK);
    ck_assert(block[0] == 0 && memcmp(block, block + 1, MiB - 1) == 0);
  }
  vmf_io_close(taken);
}
END_TEST

START_TEST(a_part_with_data_that_was_not_promised_is_a_change)
{
  ck_assert_int_eq(pour(add_data), VMF_CHANGED);
  ck_assert_ptr_nonnull(strstr(error.text, "guest byte 13631488 was zero"));
  vmf_io_close(taken);
}
END_TEST

START_TEST(every_write_of_a_part_can_fail)
{
  const struct crate_options options = {.unit = units[_i], .sealed = units[_i] <= VMF_WHOLE_UNIT};
  enum vmf_code code = VMF_WRITE;

  write_disk(&near_disk);
  struct vmf_image *source = open_disk();
  for (int number = 1; code == VMF_WRITE; number++) {
    struct vmf_io pipe = {.ops = &pipe_ops, .name = (char *)"pipe", .sequential = true};
    taken = open_memory(0);
    write_to_fail = number;
    code = fill_crate(source, &options, &pipe, 3);
    ck_assert_int_eq(code == VMF_OK, write_to_fail > 0);
    if (code == VMF_OK)
      check_crate(taken, &near_disk, options.unit);
    vmf_io_close(taken);
  }
  ck_assert_int_eq(code, VMF_OK);
  vmf_image_close(source);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("parts");
  TCase *tests = tcase_create("parts");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_test(tests, a_unit_of_256_mib_comes_in_parts);
  tcase_add_loop_test(tests, a_device_and_a_pipe_take_what_a_file_takes, 0, 5);
  tcase_add_loop_test(tests, every_write_of_a_part_can_fail, 0, 5);
  tcase_add_test(tests, a_block_has_its_digest_when_it_is_wrapped);
  tcase_add_test(tests, a_promised_unit_that_is_empty_goes_out_as_zeros);
  tcase_add_test(tests, a_part_with_data_that_was_not_promised_is_a_change);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
