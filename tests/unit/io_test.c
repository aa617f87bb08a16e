/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files, pipes and memory: whole transfers, honest holes, named failures. */
#include "io.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "check_main.h"
#include "descriptor.h"
#include "file.h"
#include "scratch.h"
#include "zero.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static struct vmf_error error;

static struct vmf_io *source(const char *path)
{
  struct vmf_io *io = NULL;
  ck_assert_msg(vmf_io_open_file(path, true, &io, &error) == VMF_OK, "%s", error.text);
  return io;
}

static struct vmf_io *target(const char *path)
{
  struct vmf_io *io = NULL;
  int number = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
  ck_assert_int_ge(number, 0);
  ck_assert_int_eq(vmf_io_write_file(number, path, true, &io, &error), VMF_OK);
  return io;
}

static bool all_are(const unsigned char *bytes, size_t length, unsigned char value)
{
  for (size_t i = 0; i < length; i++)
    if (bytes[i] != value)
      return false;
  return true;
}

static void put(struct vmf_io *io, unsigned char value, size_t length, uint64_t offset)
{
  unsigned char *bytes = malloc(length);
  memset(bytes, value, length);
  ck_assert_msg(vmf_io_pwrite(io, bytes, length, offset, &error) == VMF_OK, "%s", error.text);
  free(bytes);
}

static bool reads_as(struct vmf_io *io, unsigned char value, size_t length, uint64_t offset)
{
  unsigned char *bytes = malloc(length);
  memset(bytes, ~value, length);
  ck_assert_msg(vmf_io_pread(io, bytes, length, offset, &error) == VMF_OK, "%s", error.text);
  bool same = all_are(bytes, length, value);
  free(bytes);
  return same;
}

/* ---- sources ---- */

START_TEST(file_is_read_at_any_place)
{
  char bytes[4];
  scratch_text("disk.raw", "0123456789");
  struct vmf_io *io = source("disk.raw");
  ck_assert_uint_eq(io->size, 10);
  ck_assert_int_eq(vmf_io_pread(io, bytes, 4, 6, &error), VMF_OK);
  ck_assert_mem_eq(bytes, "6789", 4);
  vmf_io_close(io);
}
END_TEST

START_TEST(reading_past_the_end_is_an_error)
{
  char bytes[4];
  scratch_text("disk.raw", "0123456789");
  struct vmf_io *io = source("disk.raw");
  ck_assert_int_eq(vmf_io_pread(io, bytes, 4, 7, &error), VMF_READ);
  ck_assert_str_eq(error.text,
                   "disk.raw: 4 bytes at byte 7 are beyond the end, which is at byte 10");
  ck_assert_int_eq(vmf_io_pread(io, bytes, 4, UINT64_MAX - 1, &error), VMF_READ);
  ck_assert_ptr_nonnull(strstr(error.text, "beyond the end"));
  vmf_io_close(io);
}
END_TEST

START_TEST(shrinking_file_is_noticed)
{
  char bytes[10];
  scratch_text("disk.raw", "0123456789");
  struct vmf_io *io = source("disk.raw");
  ck_assert_int_eq(truncate("disk.raw", 4), 0);
  ck_assert_int_eq(vmf_io_pread(io, bytes, 10, 0, &error), VMF_CHANGED);
  ck_assert_str_eq(error.text, "disk.raw: changed while it was read: it shrank from 10 to 4 bytes, "
                               "and byte 4 was wanted");
  vmf_io_close(io);
}
END_TEST

START_TEST(change_under_our_hands_is_noticed)
{
  struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 5}};
  scratch_text("disk.raw", "0123456789");
  ck_assert_int_eq(utimensat(AT_FDCWD, "disk.raw", times, 0), 0);
  struct vmf_io *io = source("disk.raw");
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_OK);
  times[1].tv_nsec++;
  ck_assert_int_eq(utimensat(AT_FDCWD, "disk.raw", times, 0), 0);
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_CHANGED);
  vmf_io_close(io);
  io = source("disk.raw");
  ck_assert_int_eq(truncate("disk.raw", 11), 0);
  ck_assert_int_eq(vmf_io_unchanged(io, NULL, &error), VMF_CHANGED);
  ck_assert_str_eq(error.text, "disk.raw: changed while it was read: it had 10 bytes and has 11");
  vmf_io_close(io);
}
END_TEST

START_TEST(holes_are_told_and_clipped_to_the_size)
{
  uint64_t start, end;
  struct vmf_io *io = target("disk.raw");
  put(io, 'x', 64 * KIB, 4 * MIB);
  ck_assert_int_eq(vmf_io_resize(io, 16 * MIB, &error), VMF_OK);
  vmf_io_close(io);
  io = source("disk.raw");
  ck_assert_int_eq(vmf_io_next_data(io, 0, &start, &end, &error), VMF_OK);
  ck_assert_uint_eq(start, 4 * MIB);
  ck_assert_uint_eq(end, 4 * MIB + 64 * KIB);
  ck_assert_int_eq(vmf_io_next_data(io, 4 * MIB + 5, &start, &end, &error), VMF_OK);
  ck_assert_uint_eq(start, 4 * MIB + 5);
  ck_assert_int_eq(vmf_io_next_data(io, 8 * MIB, &start, &end, &error), VMF_OK);
  ck_assert_uint_eq(start, 16 * MIB);
  ck_assert_uint_eq(end, 16 * MIB);
  ck_assert_int_eq(vmf_io_next_data(io, 99 * MIB, &start, &end, &error), VMF_OK);
  ck_assert_uint_eq(start, 16 * MIB);
  /* Data that appears behind the end that was seen at opening is none of ours. */
  struct vmf_io *more = NULL;
  int number = open("disk.raw", O_RDWR);
  ck_assert_int_eq(vmf_io_write_file(number, "disk.raw", true, &more, &error), VMF_OK);
  put(more, 'y', 64 * KIB, 16 * MIB - 32 * KIB);
  ck_assert_int_eq(vmf_io_next_data(io, 8 * MIB, &start, &end, &error), VMF_OK);
  ck_assert_uint_eq(start, 16 * MIB - 32 * KIB);
  ck_assert_uint_eq(end, 16 * MIB);
  vmf_io_close(more);
  vmf_io_close(io);
}
END_TEST

START_TEST(only_files_and_devices_are_opened)
{
  struct vmf_io *io = NULL;
  ck_assert_int_eq(mkfifo("fifo", 0600), 0);
  alarm(5); /* a blocking open would wait for ever */
  ck_assert_int_eq(vmf_io_open_file("fifo", true, &io, &error), VMF_REFUSED);
  ck_assert_str_eq(error.text,
                   "fifo: is a pipe, expected a regular file or a block device; a pipe is read as "
                   "standard input (\"-\", with < or |)");
  ck_assert_int_eq(vmf_io_open_file(".", true, &io, &error), VMF_REFUSED);
  ck_assert_int_eq(vmf_io_open_file("/dev/zero", true, &io, &error), VMF_REFUSED);
  ck_assert_int_eq(vmf_io_open_file("missing", true, &io, &error), VMF_SYSTEM);
  ck_assert_str_eq(error.text, "missing: cannot be opened: No such file or directory");
}
END_TEST

START_TEST(source_cannot_be_written)
{
  scratch_text("disk.raw", "0123456789");
  struct vmf_io *io = source("disk.raw");
  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, 0, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_io_zero(io, 0, 1, false, &error), VMF_UNSUPPORTED);
  ck_assert_int_eq(vmf_io_resize(io, 1, &error), VMF_UNSUPPORTED);
  vmf_io_close(io);
}
END_TEST

/* ---- files being written ---- */

START_TEST(pieces_follow_each_other)
{
  static unsigned char big[300 * KIB];
  struct vmf_io *io = target("disk.raw");
  memset(big, 'b', sizeof big);
  put(io, 'o', 3 * MIB, 0); /* old bytes that zeros must hide */
  const struct vmf_piece pieces[] = {
      {"head", 4}, {NULL, 100},     {big, sizeof big}, {NULL, 70 * KIB}, {"middle", 6}, {NULL, 0},
      {"", 0},     {NULL, MIB + 1}, {big, 1},          {NULL, 64 * KIB}, {big, 2},      {NULL, 1},
  };
  ck_assert_int_eq(vmf_io_pwrite_pieces(io, pieces, 12, 10, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 3 * MIB);
  uint64_t at = 10;
  ck_assert(reads_as(io, 'o', 10, 0));
  for (size_t i = 0; i < 12; at += pieces[i].length, i++)
    for (size_t done = 0; done < pieces[i].length; done++) {
      unsigned char byte;
      const unsigned char *data = pieces[i].data;
      if (done == 1000 && pieces[i].length > 5000)
        done = pieces[i].length - 1000;
      ck_assert_int_eq(vmf_io_pread(io, &byte, 1, at + done, &error), VMF_OK);
      ck_assert_msg(byte == (data ? data[done] : 0), "piece %zu, byte %zu: %u", i, done, byte);
    }
  ck_assert(reads_as(io, 'o', (size_t)(3 * MIB - at), at));
  vmf_io_close(io);
}
END_TEST

START_TEST(more_pieces_than_one_call_takes)
{
  struct vmf_piece pieces[100];
  struct vmf_io *io = target("disk.raw");
  for (unsigned i = 0; i < 100; i++)
    pieces[i] = (struct vmf_piece){i % 3 == 0 ? NULL : "abc", 3};
  ck_assert_int_eq(vmf_io_pwrite_pieces(io, pieces, 100, 0, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 300);
  for (unsigned i = 0; i < 100; i++) {
    char bytes[3];
    ck_assert_int_eq(vmf_io_pread(io, bytes, 3, i * 3, &error), VMF_OK);
    ck_assert_mem_eq(bytes, i % 3 == 0 ? "\0\0\0" : "abc", 3);
  }
  vmf_io_close(io);
}
END_TEST

START_TEST(long_zeros_at_the_end_cost_no_space)
{
  struct stat status;
  const uint64_t length = SIZE_MAX > UINT32_MAX ? (uint64_t)8 << 30 : (uint64_t)1 << 30;
  const struct vmf_piece piece = {NULL, (size_t)length};
  struct vmf_io *io = target("disk.raw");
  ck_assert_int_eq(vmf_io_pwrite_pieces(io, &piece, 1, 1, &error), VMF_OK);
  ck_assert_uint_eq(io->size, length + 1);
  ck_assert_uint_eq(scratch_size("disk.raw"), length + 1);
  ck_assert_int_eq(stat("disk.raw", &status), 0);
  ck_assert_int_lt(status.st_blocks, 1000);
  vmf_io_close(io);
}
END_TEST

START_TEST(zeroing_frees_or_keeps_space)
{
  struct stat status;
  struct vmf_io *io = target("disk.raw");
  put(io, 'x', 4 * MIB, 0);
  ck_assert_int_eq(vmf_io_zero(io, MIB + 1, 2 * MIB, false, &error), VMF_OK);
  ck_assert_int_eq(stat("disk.raw", &status), 0);
  ck_assert_int_le(status.st_blocks, 2 * MIB / 512 + 64);
  ck_assert(reads_as(io, 'x', MIB + 1, 0));
  ck_assert(reads_as(io, 0, 2 * MIB, MIB + 1));
  ck_assert(reads_as(io, 'x', MIB - 1, 3 * MIB + 1));
  ck_assert_int_eq(vmf_io_zero(io, 6 * MIB, MIB, false, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 4 * MIB);
  ck_assert_int_eq(vmf_io_zero(io, 2 * MIB, 6 * MIB, true, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 8 * MIB);
  ck_assert_int_eq(stat("disk.raw", &status), 0);
  ck_assert_int_ge(status.st_blocks, 7 * (MIB / 512) - 64);
  ck_assert(reads_as(io, 0, 7 * MIB - 1, MIB + 1));
  vmf_io_close(io);
}
END_TEST

START_TEST(zeros_are_written_where_holes_cannot_be)
{
  struct vmf_io *io = target("disk.raw");
  put(io, 'x', 3 * MIB, 0);
  ck_assert_int_eq(
      vmf_descriptor_write_zeros((struct vmf_descriptor *)io, 7, 2 * MIB + 100, &error), VMF_OK);
  ck_assert(reads_as(io, 'x', 7, 0));
  ck_assert(reads_as(io, 0, 2 * MIB + 100, 7));
  ck_assert(reads_as(io, 'x', MIB - 107, 2 * MIB + 107));
  vmf_io_close(io);
}
END_TEST

START_TEST(resizing_cuts_and_grows)
{
  struct vmf_io *io = target("disk.raw");
  put(io, 'x', 1000, 0);
  ck_assert_int_eq(vmf_io_resize(io, 10, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_resize(io, 100, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 100);
  ck_assert(reads_as(io, 'x', 10, 0));
  ck_assert(reads_as(io, 0, 90, 10));
  ck_assert_int_eq(vmf_io_resize(io, UINT64_MAX, &error), VMF_WRITE);
  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, INT64_MAX, &error), VMF_WRITE);
  ck_assert_int_eq(vmf_io_zero(io, UINT64_MAX, 2, true, &error), VMF_WRITE);
  vmf_io_close(io);
}
END_TEST

START_TEST(own_fresh_data_is_never_a_hole)
{
  uint64_t start, end;
  struct vmf_io *io = target("disk.raw");
  ck_assert_int_eq(vmf_io_resize(io, 8 * MIB, &error), VMF_OK);
  for (uint64_t at = 0; at < 8 * MIB; at += 2 * MIB) {
    put(io, 'x', 64 * KIB, at);
    ck_assert_int_eq(vmf_io_next_data(io, at, &start, &end, &error), VMF_OK);
    ck_assert_uint_eq(start, at);
    ck_assert_uint_ge(end, at + 64 * KIB);
  }
  vmf_io_close(io);
}
END_TEST

enum { WRITERS = 8, WRITES = 64, WRITE_SIZE = 5000 };

struct writer {
  struct vmf_io *io;
  unsigned index;
};

static void *write_stripes(void *data)
{
  struct writer *writer = data;
  struct vmf_error own;
  unsigned char bytes[WRITE_SIZE];
  memset(bytes, (int)writer->index + 1, sizeof bytes);
  for (unsigned i = 0; i < WRITES; i++) {
    uint64_t offset = (uint64_t)(i * WRITERS + writer->index) * WRITE_SIZE;
    if (vmf_io_pwrite(writer->io, bytes, sizeof bytes, offset, &own) != VMF_OK ||
        vmf_io_pread(writer->io, bytes, sizeof bytes, offset, &own) != VMF_OK)
      return writer;
  }
  return NULL;
}

START_TEST(many_threads_write_one_file)
{
  pthread_t threads[WRITERS];
  struct writer writers[WRITERS];
  struct vmf_io *io = NULL;
  if (_i == 0)
    io = target("disk.raw");
  else
    ck_assert_int_eq(vmf_io_memory("memory", NULL, 0, &io, &error), VMF_OK);
  for (unsigned i = 0; i < WRITERS; i++) {
    writers[i] = (struct writer){io, i};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, write_stripes, &writers[i]), 0);
  }
  for (unsigned i = 0; i < WRITERS; i++) {
    void *failed = NULL;
    pthread_join(threads[i], &failed);
    ck_assert_ptr_null(failed);
  }
  ck_assert_uint_eq(io->size, WRITERS * WRITES * WRITE_SIZE);
  for (unsigned i = 0; i < WRITERS * WRITES; i++)
    ck_assert(reads_as(io, (unsigned char)(i % WRITERS + 1), WRITE_SIZE, (uint64_t)i * WRITE_SIZE));
  vmf_io_close(io);
}
END_TEST

START_TEST(file_limit_is_a_write_error)
{
  const struct rlimit limit = {MIB, MIB};
  struct vmf_io *io = target("disk.raw");
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
  ck_assert_int_eq(vmf_io_pwrite(io, "0123456789", 10, MIB - 4, &error), VMF_WRITE);
  ck_assert_int_eq(error.sys_errno, EFBIG);
  ck_assert_ptr_nonnull(strstr(error.text, "disk.raw: writing 6 bytes at byte 1048576"));
  vmf_io_close(io);
}
END_TEST

/* ---- pipes ---- */

struct reader {
  int number;
  size_t length, delay;
  unsigned char *bytes;
  pthread_t thread;
};

enum { READ_MAX = 8 * MIB };

static void *read_all(void *data)
{
  struct reader *reader = data;
  ssize_t got;
  usleep((useconds_t)reader->delay);
  while ((got = read(reader->number, reader->bytes + reader->length, READ_MAX - reader->length)) >
         0)
    reader->length += (size_t)got;
  return NULL;
}

static struct vmf_io *piped(struct reader *reader, int flags)
{
  struct vmf_io *io = NULL;
  int ends[2];
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  if (flags)
    fcntl(ends[1], F_SETFL, flags);
  ck_assert_int_eq(vmf_io_write_pipe(ends[1], "standard output", true, &io, &error), VMF_OK);
  *reader = (struct reader){.number = ends[0], .delay = 20000, .bytes = malloc(READ_MAX)};
  ck_assert_int_eq(pthread_create(&reader->thread, NULL, read_all, reader), 0);
  return io;
}

START_TEST(gaps_on_a_pipe_are_zeros)
{
  static unsigned char big[1500 * KIB];
  struct reader reader;
  struct vmf_io *io = piped(&reader, _i == 0 ? 0 : O_NONBLOCK);
  const struct vmf_piece pieces[] = {{"tail", 4}, {NULL, 100 * KIB}, {"end", 3}};
  memset(big, 'b', sizeof big);
  ck_assert(io->sequential && !io->reads_as_zero);
  ck_assert_int_eq(vmf_io_pwrite(io, "head", 4, 0, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pwrite(io, big, sizeof big, 3 * MIB, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pwrite(io, big, 5, io->size, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pwrite_pieces(io, pieces, 3, 5 * MIB, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 5 * MIB + 100 * KIB + 7);
  ck_assert_int_eq(vmf_io_zero(io, 6 * MIB, 1000, false, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_resize(io, 7 * MIB, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_flush(io, &error), VMF_OK);
  vmf_io_close(io);
  pthread_join(reader.thread, NULL);
  ck_assert_uint_eq(reader.length, 7 * MIB);
  ck_assert_mem_eq(reader.bytes, "head\0", 5);
  ck_assert(vmf_is_zero(reader.bytes + 4, 3 * MIB - 4));
  ck_assert(all_are(reader.bytes + 3 * MIB, sizeof big + 5, 'b'));
  ck_assert_mem_eq(reader.bytes + 5 * MIB, "tail\0", 5);
  ck_assert_mem_eq(reader.bytes + 5 * MIB + 100 * KIB + 3, "\0end\0", 5);
  free(reader.bytes);
  close(reader.number);
}
END_TEST

START_TEST(pipe_neither_goes_back_nor_reads)
{
  struct reader reader;
  char byte;
  struct vmf_io *io = piped(&reader, 0);
  ck_assert_int_eq(vmf_io_pwrite(io, "0123456789", 10, 0, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, 9, &error), VMF_UNSUPPORTED);
  ck_assert_str_eq(error.text, "standard output: a pipe cannot go back to byte 9 from byte 10");
  ck_assert_int_eq(vmf_io_pread(io, &byte, 1, 0, &error), VMF_UNSUPPORTED);
  vmf_io_close(io);
  pthread_join(reader.thread, NULL);
  free(reader.bytes);
}
END_TEST

START_TEST(pipe_without_a_reader_is_a_write_error)
{
  struct vmf_io *io = NULL;
  int ends[2];
  signal(SIGPIPE, SIG_IGN);
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  ck_assert_int_eq(vmf_io_write_pipe(ends[1], "standard output", true, &io, &error), VMF_OK);
  close(ends[0]);
  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, 0, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_flush(io, &error), VMF_WRITE);
  ck_assert_int_eq(error.sys_errno, EPIPE);
  vmf_io_close(io);
}
END_TEST

static void wake(int number)
{
  (void)number;
}

START_TEST(signal_ends_the_wait_for_a_reader)
{
  static unsigned char big[2 * MIB];
  struct vmf_io *io = NULL;
  int ends[2];
  const struct sigaction action = {.sa_handler = wake};
  const struct itimerval soon = {.it_value = {.tv_usec = 50000}, .it_interval = {.tv_usec = 50000}};
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  ck_assert_int_eq(vmf_io_write_pipe(ends[1], "standard output", true, &io, &error), VMF_OK);
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
  ck_assert_int_eq(vmf_io_pwrite(io, big, sizeof big, 0, &error), VMF_CANCELLED);
  setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  vmf_io_close(io);
  close(ends[0]);
}
END_TEST

START_TEST(full_disk_says_what_was_needed)
{
  struct vmf_io *io = NULL;
  int number = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ck_assert_int_eq(vmf_io_write_pipe(number, "out.raw", false, &io, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_pwrite(io, "0123456789", 10, 20, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_flush(io, &error), VMF_WRITE);
  ck_assert_str_eq(error.text,
                   "out.raw: no space left on device: 30 bytes were to be written at byte 0");
  ck_assert_int_eq(error.sys_errno, ENOSPC);
  vmf_io_close(io);
}
END_TEST

/* ---- memory and windows ---- */

START_TEST(memory_grows_with_zeros)
{
  struct vmf_io *io = NULL;
  ck_assert_int_eq(vmf_io_memory("memory", NULL, 0, &io, &error), VMF_OK);
  put(io, 'x', 10, 90);
  ck_assert_uint_eq(io->size, 100);
  ck_assert(reads_as(io, 0, 90, 0));
  ck_assert(reads_as(io, 'x', 10, 90));
  ck_assert_int_eq(vmf_io_resize(io, 95, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_resize(io, 99, &error), VMF_OK);
  ck_assert(reads_as(io, 0, 4, 95));
  ck_assert_int_eq(vmf_io_resize(io, 200, &error), VMF_OK);
  ck_assert(reads_as(io, 'x', 5, 90));
  ck_assert(reads_as(io, 0, 105, 95));
  ck_assert_int_eq(vmf_io_zero(io, 92, 1000, false, &error), VMF_OK);
  ck_assert_int_eq(vmf_io_zero(io, 300, 10, false, &error), VMF_OK);
  ck_assert_uint_eq(io->size, 200);
  ck_assert(reads_as(io, 0, 108, 92));
  vmf_io_close(io);
}
END_TEST

START_TEST(memory_copy_is_fixed)
{
  char bytes[] = "0123456789";
  struct vmf_io *io = NULL;
  ck_assert_int_eq(vmf_io_memory("memory", bytes, 10, &io, &error), VMF_OK);
  memset(bytes, 'x', sizeof bytes);
  ck_assert_int_eq(vmf_io_pread(io, bytes, 3, 7, &error), VMF_OK);
  ck_assert_mem_eq(bytes, "789", 3);
  ck_assert_int_eq(vmf_io_pwrite(io, "x", 1, 0, &error), VMF_UNSUPPORTED);
  vmf_io_close(io);
}
END_TEST

static Suite *suite(void)
{
  Suite *suite = suite_create("io");
  TCase *tests = tcase_create("io");
  tcase_add_checked_fixture(tests, scratch_enter, scratch_leave);
  tcase_add_test(tests, file_is_read_at_any_place);
  tcase_add_test(tests, reading_past_the_end_is_an_error);
  tcase_add_test(tests, shrinking_file_is_noticed);
  tcase_add_test(tests, change_under_our_hands_is_noticed);
  tcase_add_test(tests, holes_are_told_and_clipped_to_the_size);
  tcase_add_test(tests, only_files_and_devices_are_opened);
  tcase_add_test(tests, source_cannot_be_written);
  tcase_add_test(tests, pieces_follow_each_other);
  tcase_add_test(tests, more_pieces_than_one_call_takes);
  tcase_add_test(tests, long_zeros_at_the_end_cost_no_space);
  tcase_add_test(tests, zeroing_frees_or_keeps_space);
  tcase_add_test(tests, zeros_are_written_where_holes_cannot_be);
  tcase_add_test(tests, resizing_cuts_and_grows);
  tcase_add_test(tests, own_fresh_data_is_never_a_hole);
  tcase_add_loop_test(tests, many_threads_write_one_file, 0, 2);
  tcase_add_test(tests, file_limit_is_a_write_error);
  tcase_add_loop_test(tests, gaps_on_a_pipe_are_zeros, 0, 2);
  tcase_add_test(tests, pipe_neither_goes_back_nor_reads);
  tcase_add_test(tests, pipe_without_a_reader_is_a_write_error);
  tcase_add_test(tests, signal_ends_the_wait_for_a_reader);
  tcase_add_test(tests, full_disk_says_what_was_needed);
  tcase_add_test(tests, memory_grows_with_zeros);
  tcase_add_test(tests, memory_copy_is_fixed);
  suite_add_tcase(suite, tests);
  return suite;
}

VMF_TEST_MAIN(suite)
