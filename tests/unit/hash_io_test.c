/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The digests of several files at once are those of each alone, and what is wrong with one is told
 * of that one. */
#include "hash_io.h"

#include <string.h>

#include "check_main.h"
#include "checked.h"
#include "memory.h"

enum { FILES = 9, PAGE = 4096, PIECE = 1 << 20 /* that is read at once */ };

static const size_t sizes[FILES] = {0,       1,       16 << 10, (16 << 10) + 1, 1 << 20, 3000000,
                                    5 << 20, 7000001, 100};
static const unsigned thread_counts[] = {1, 2, 3, 8};
static struct vmf_error error;

/* ---- files whose reads can fail ---- */

struct fake {
  struct vmf_io io;
  uint64_t fail_at; /* reading this byte fails */
};

/* What a file of `size` bytes holds there: a page is like no other near it. */
static void fill_bytes(uint8_t *bytes, size_t length, uint64_t offset, size_t size)
{
  for (size_t step; length > 0; bytes += step, length -= step, offset += step) {
    step = vmf_min(PAGE - offset % PAGE, length);
    memset(bytes, (int)((offset / PAGE * 31 + offset / PIECE * 7 + size) & 0xff), step);
  }
}

static enum vmf_code fake_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                struct vmf_error *failure)
{
  const struct fake *fake = (const struct fake *)io;

  if (fake->fail_at >= offset && fake->fail_at - offset < length)
    return vmf_fail(failure, VMF_READ, "%s: byte %llu", io->name,
                    (unsigned long long)fake->fail_at);
  fill_bytes(buffer, length, offset, io->size);
  return VMF_OK;
}

static const struct vmf_io_ops fake_ops = {.kind = "fake", .pread = fake_pread};

struct shelf {
  struct fake fakes[FILES];
  struct vmf_hashed files[FILES];
  unsigned opened, closed;
  size_t missing;            /* this one cannot be opened */
  uint64_t shown;            /* bytes of progress */
  struct vmf_cancel *cancel; /* asked for when the last large one is opened */
};

static enum vmf_code open_fake(void *data, struct vmf_hashed *file, struct vmf_io **io,
                               struct vmf_error *failure)
{
  struct shelf *shelf = data;
  size_t index = (size_t)(file - shelf->files);

  if (index == shelf->missing)
    return vmf_fail(failure, VMF_SYSTEM, "not there");
  if (index == 7)
    vmf_cancel_request(shelf->cancel);
  shelf->opened++;
  *io = &shelf->fakes[index].io;
  return VMF_OK;
}

static enum vmf_code close_fake(void *data, struct vmf_hashed *file, struct vmf_io *io,
                                struct vmf_error *failure)
{
  struct shelf *shelf = data;

  (void)file;
  (void)io;
  (void)failure;
  shelf->closed++;
  return VMF_OK;
}

static void count(void *data, uint64_t bytes)
{
  ((struct shelf *)data)->shown += bytes;
}

static void fill(struct shelf *shelf)
{
  *shelf = (struct shelf){.missing = SIZE_MAX};
  for (size_t i = 0; i < FILES; i++) {
    shelf->fakes[i] = (struct fake){
        .io = {.ops = &fake_ops, .name = (char *)"fake", .size = sizes[i]}, .fail_at = UINT64_MAX};
    shelf->files[i].name = "fake";
    shelf->files[i].wanted[VMF_SHA256] = true;
    shelf->files[i].wanted[VMF_SHA1] = i % 2 == 1;
  }
}

static enum vmf_code hash(struct shelf *shelf, unsigned threads)
{
  const struct vmf_hashing hashing = {.files = shelf->files,
                                      .count = FILES,
                                      .open = open_fake,
                                      .close = close_fake,
                                      .progress = count,
                                      .data = shelf,
                                      .cancel = shelf->cancel};
  struct vmf_crew *crew;

  ck_assert_int_eq(vmf_crew_new(threads, &crew, &error), VMF_OK);
  enum vmf_code code = vmf_hash_files(crew, &hashing, &error);
  vmf_crew_free(crew);
  ck_assert_uint_eq(shelf->opened, shelf->closed);
  return code;
}

static void expect_digest(const struct vmf_hashed *file, enum vmf_digest_kind kind, size_t size)
{
  uint8_t expected[VMF_DIGEST_MAX];
  void *bytes;

  ck_assert_int_eq(vmf_alloc(size + 1, &bytes, &error), VMF_OK);
  fill_bytes(bytes, size, 0, size);
  ck_assert_int_eq(vmf_digest_bytes(kind, bytes, size, expected, &error), VMF_OK);
  ck_assert_mem_eq(file->digests[kind], expected, vmf_digest_size(kind));
  vmf_free(bytes);
}

START_TEST(every_file_has_its_digests)
{
  struct shelf shelf;
  uint64_t total = 0;

  fill(&shelf);
  ck_assert_int_eq(hash(&shelf, thread_counts[_i]), VMF_OK);
  for (size_t i = 0; i < FILES; i++) {
    ck_assert_int_eq(shelf.files[i].error.code, VMF_OK);
    ck_assert_uint_eq(shelf.files[i].size, sizes[i]);
    expect_digest(&shelf.files[i], VMF_SHA256, sizes[i]);
    if (shelf.files[i].wanted[VMF_SHA1])
      expect_digest(&shelf.files[i], VMF_SHA1, sizes[i]);
    total += sizes[i];
  }
  ck_assert_uint_eq(shelf.shown, total);
}
END_TEST

/* The first failure in the order of the bytes, whoever reads them. */
START_TEST(what_cannot_be_read_is_kept_in_its_file)
{
  struct shelf shelf;

  fill(&shelf);
  shelf.missing = 1;
  shelf.fakes[2].fail_at = 5;
  shelf.fakes[7].fail_at = 2000000;
  ck_assert_int_eq(hash(&shelf, thread_counts[_i]), VMF_OK);
  for (size_t i = 0; i < FILES; i++)
    if (i != 1 && i != 2 && i != 7)
      expect_digest(&shelf.files[i], VMF_SHA256, sizes[i]);
  ck_assert_int_eq(shelf.files[1].error.code, VMF_SYSTEM);
  ck_assert_str_eq(shelf.files[2].error.text, "fake: byte 5");
  ck_assert_int_eq(shelf.files[7].error.code, VMF_READ);
  ck_assert_str_eq(shelf.files[7].error.text, "fake: byte 2000000");
}
END_TEST

START_TEST(hashing_can_be_interrupted)
{
  struct vmf_cancel cancel = {0};
  struct shelf shelf;

  fill(&shelf);
  shelf.cancel = &cancel;
  ck_assert_int_eq(hash(&shelf, thread_counts[_i]), VMF_CANCELLED);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("hash_io");
  TCase *tests = tcase_create("hash_io");
  tcase_add_loop_test(tests, every_file_has_its_digests, 0, 4);
  tcase_add_loop_test(tests, what_cannot_be_read_is_kept_in_its_file, 0, 4);
  tcase_add_loop_test(tests, hashing_can_be_interrupted, 0, 4);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
