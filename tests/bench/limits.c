/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * limits SOURCE FOLDER THREADS WORK[:LEVEL]...: what the machine gives at most for the work of a
 * conversion, as one JSON object. The blocks of the disk that hold data are packed, unpacked,
 * hashed and copied by all threads with nothing around it: no format, no order, and (but for
 * "file") no I/O. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "digest.h"
#include "memory.h"
#include "zero.h"

/* One batch is far larger than the caches. RUN: blocks that a thread takes at once, as a job of the
 * engine does. SLOT: the room for a packed block, of any codec. */
enum { BLOCK = 64 * 1024, BATCH = 1024, RUN = 16, SLOT = 80 * 1024, THREADS_MAX = 256, TASKS = 64 };

enum work {
  MEMORY,
  SHARED_FILE,
  SHA256,
  DIGEST, /* one stream: one thread */
  ZLIB,
  UNZLIB, /* what was packed just before, as those below */
  DEFLATE,
  UNDEFLATE,
  ZSTD,
  UNZSTD,
  WORKS
};
static const char *const work_names[WORKS] = {"memory", "file",   "sha256",    "digest",
                                              "zlib",   "unzlib", "deflate4k", "undeflate4k",
                                              "zstd",   "unzstd"};
static const enum vmf_codec codecs[WORKS] = {
    [ZLIB] = VMF_CODEC_ZLIB,          [UNZLIB] = VMF_CODEC_ZLIB,
    [DEFLATE] = VMF_CODEC_DEFLATE_4K, [UNDEFLATE] = VMF_CODEC_DEFLATE_4K,
    [ZSTD] = VMF_CODEC_ZSTD,          [UNZSTD] = VMF_CODEC_ZSTD};

struct task {
  enum work work;
  int level;
  double seconds, processor;
  uint64_t bytes;
};

struct run {
  int source, target;
  off_t source_size;
  unsigned thread_count;
  struct task tasks[TASKS];
  size_t task_count, task; /* task: the one that is done */
  atomic_size_t next;
  size_t blocks; /* in the batch */
  uint8_t *data, *packed, *unpacked;
  off_t offsets[BATCH];
  size_t lengths[BATCH]; /* of what the last codec packed */
  uint64_t total_blocks;
};

struct worker {
  struct run *run;
  pthread_t thread;
  enum vmf_code code;
  struct vmf_error error;
  struct vmf_packer *packers[TASKS]; /* of those that pack, NULL for the others */
  struct vmf_unpacker *unpacker;
  struct vmf_digest *digest;
};

static double now(clockid_t clock)
{
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- the work ---- */

static enum vmf_code copy_file(struct run *run, size_t block, struct vmf_error *error)
{
  uint8_t *room = run->unpacked + block * BLOCK;
  if (pread(run->source, room, BLOCK, run->offsets[block]) < 0 ||
      pwrite(run->target, room, BLOCK, (off_t)block * BLOCK) != BLOCK)
    return vmf_fail_errno(error, VMF_SYSTEM, "cannot copy a block");
  return VMF_OK;
}

/* The block before stands before it on the disk, in the same run. */
static size_t neighbour_of(const struct run *run, size_t block)
{
  bool follows = block % RUN != 0 && run->offsets[block - 1] + BLOCK == run->offsets[block];
  return follows ? run->lengths[block - 1] : 0;
}

static enum vmf_code pack_block(struct worker *worker, size_t block)
{
  struct run *run = worker->run;
  return vmf_pack(worker->packers[run->task], run->data + block * BLOCK, BLOCK,
                  neighbour_of(run, block), run->packed + block * SLOT, SLOT, &run->lengths[block],
                  &worker->error);
}

static enum vmf_code unpack_block(struct worker *worker, size_t block)
{
  struct run *run = worker->run;
  size_t length;
  VMF_TRY(vmf_unpack(worker->unpacker, codecs[run->tasks[run->task].work],
                     run->packed + block * SLOT, run->lengths[block], run->unpacked + block * BLOCK,
                     BLOCK, &length, &worker->error));
  if (length != BLOCK)
    return vmf_fail(&worker->error, VMF_CORRUPT, "a block came back with %zu bytes", length);
  return VMF_OK;
}

static enum vmf_code work_on(struct worker *worker, size_t block)
{
  struct run *run = worker->run;
  const uint8_t *data = run->data + block * BLOCK;
  uint8_t digest[VMF_DIGEST_MAX];

  switch (run->tasks[run->task].work) {
  case MEMORY:
    memcpy(run->unpacked + block * BLOCK, data, BLOCK);
    return VMF_OK;
  case SHARED_FILE:
    return copy_file(run, block, &worker->error);
  case SHA256:
    VMF_TRY(vmf_digest_update(worker->digest, data, BLOCK, &worker->error));
    return vmf_digest_final(worker->digest, digest, &worker->error);
  case DIGEST:
    return vmf_digest_update(worker->digest, data, BLOCK, &worker->error);
  case UNZLIB:
  case UNDEFLATE:
  case UNZSTD:
    return unpack_block(worker, block);
  default:
    return pack_block(worker, block);
  }
}

static void *worker_main(void *argument)
{
  struct worker *worker = argument;
  for (;;) {
    size_t first = atomic_fetch_add(&worker->run->next, RUN);
    if (first >= worker->run->blocks)
      return NULL;
    for (size_t i = first; i < first + RUN && i < worker->run->blocks; i++)
      if ((worker->code = work_on(worker, i)) != VMF_OK)
        return NULL;
  }
}

/* ---- one batch ---- */

static enum vmf_code time_task(struct run *run, struct worker *workers, size_t at,
                               struct vmf_error *error)
{
  struct task *task = &run->tasks[at];
  unsigned threads = task->work == DIGEST ? 1 : run->thread_count;

  run->task = at;
  atomic_store(&run->next, 0);
  double start = now(CLOCK_MONOTONIC), processor = now(CLOCK_PROCESS_CPUTIME_ID);
  for (unsigned i = 0; i < threads; i++)
    if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
      return vmf_fail(error, VMF_SYSTEM, "cannot start a thread");
  for (unsigned i = 0; i < threads; i++)
    pthread_join(workers[i].thread, NULL);
  task->seconds += now(CLOCK_MONOTONIC) - start;
  task->processor += now(CLOCK_PROCESS_CPUTIME_ID) - processor;
  for (unsigned i = 0; i < threads; i++)
    if (workers[i].code != VMF_OK)
      return vmf_fail(error, workers[i].code, "%s: %s", work_names[task->work],
                      workers[i].error.text);
  for (size_t i = 0; i < run->blocks; i++)
    task->bytes += workers[0].packers[at] ? run->lengths[i] : BLOCK;
  return VMF_OK;
}

static enum vmf_code time_batch(struct run *run, struct worker *workers, struct vmf_error *error)
{
  for (size_t i = 0; i < run->task_count && run->blocks > 0; i++)
    VMF_TRY(time_task(run, workers, i, error));
  if (ftruncate(run->target, 0) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "cannot empty the file");
  run->total_blocks += run->blocks;
  run->blocks = 0;
  return VMF_OK;
}

/* Reads the block at `offset` into the batch if it holds data. */
static enum vmf_code take_block(struct run *run, off_t offset, struct vmf_error *error)
{
  uint8_t *block = run->data + run->blocks * BLOCK;
  memset(block, 0, BLOCK);
  if (pread(run->source, block, BLOCK, offset) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "cannot read the source");
  if (!vmf_is_zero(block, BLOCK))
    run->offsets[run->blocks++] = offset;
  return VMF_OK;
}

static enum vmf_code time_all(struct run *run, struct worker *workers, struct vmf_error *error)
{
  off_t offset = 0;
  while (offset < run->source_size) {
    off_t data = lseek(run->source, offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
      break;
    if (data > offset)
      offset = data / BLOCK * BLOCK;
    VMF_TRY(take_block(run, offset, error));
    offset += BLOCK;
    if (run->blocks == BATCH)
      VMF_TRY(time_batch(run, workers, error));
  }
  return time_batch(run, workers, error);
}

/* ---- before and after ---- */

static bool packs(enum work work)
{
  return work == ZLIB || work == DEFLATE || work == ZSTD;
}

/* By work, and the default of a codec last: that is what is unpacked. */
static int compare_tasks(const void *left, const void *right)
{
  const struct task *a = left, *b = right;
  return a->work != b->work ? (int)a->work - (int)b->work : b->level - a->level;
}

static bool add_task(struct run *run, enum work work, int level)
{
  for (size_t i = 0; i < run->task_count; i++)
    if (run->tasks[i].work == work && run->tasks[i].level == level)
      return true;
  if (run->task_count == TASKS)
    return false;
  run->tasks[run->task_count++] = (struct task){.work = work, .level = level};
  return true;
}

static bool choose_work(struct run *run, char **names)
{
  for (; *names; names++) {
    const char *level = strchr(*names, ':');
    size_t length = level ? (size_t)(level - *names) : strlen(*names);
    unsigned work = 0;
    while (work < WORKS &&
           (strlen(work_names[work]) != length || strncmp(*names, work_names[work], length) != 0))
      work++;
    if (work == WORKS || (level && !packs(work)) ||
        !add_task(run, work, level ? (int)strtol(level + 1, NULL, 10) : 0))
      return false;
    if ((work == UNZLIB || work == UNDEFLATE || work == UNZSTD) && !add_task(run, work - 1, 0))
      return false;
  }
  qsort(run->tasks, run->task_count, sizeof(struct task), compare_tasks);
  return true;
}

static enum vmf_code open_files(struct run *run, const char *source, const char *folder,
                                struct vmf_error *error)
{
  run->source = open(source, O_RDONLY | O_CLOEXEC);
  run->target = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (run->source < 0 || run->target < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s, %s: cannot open", source, folder);
  run->source_size = lseek(run->source, 0, SEEK_END);
  return VMF_OK;
}

/* No page is touched for the first time while the clock runs. */
static enum vmf_code touched(size_t size, uint8_t **room, struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc_pages(size, &memory, error));
  *room = memory;
  memset(*room, 1, size);
  return VMF_OK;
}

static enum vmf_code make_run(struct run *run, struct worker *workers, struct vmf_error *error)
{
  VMF_TRY(touched((size_t)BATCH * BLOCK, &run->data, error));
  VMF_TRY(touched((size_t)BATCH * BLOCK, &run->unpacked, error));
  VMF_TRY(touched((size_t)BATCH * SLOT, &run->packed, error));
  for (unsigned i = 0; i < run->thread_count; i++) {
    struct worker *worker = &workers[i];
    worker->run = run;
    for (size_t at = 0; at < run->task_count; at++)
      if (packs(run->tasks[at].work))
        VMF_TRY(vmf_packer_new(codecs[run->tasks[at].work], run->tasks[at].level,
                               &worker->packers[at], error));
    VMF_TRY(vmf_unpacker_new(&worker->unpacker, error));
    VMF_TRY(vmf_digest_new(VMF_SHA256, &worker->digest, error));
  }
  return VMF_OK;
}

static void free_run(struct run *run, struct worker *workers)
{
  for (unsigned i = 0; i < run->thread_count; i++) {
    for (size_t at = 0; at < run->task_count; at++)
      vmf_packer_free(workers[i].packers[at]);
    vmf_unpacker_free(workers[i].unpacker);
    vmf_digest_free(workers[i].digest);
  }
  vmf_free(run->data);
  vmf_free(run->unpacked);
  vmf_free(run->packed);
}

static void print_run(const struct run *run)
{
  printf("{\"threads\": %u, \"bytes\": %" PRIu64, run->thread_count, run->total_blocks * BLOCK);
  for (size_t i = 0; i < run->task_count; i++) {
    const struct task *task = &run->tasks[i];
    printf(", \"%s", work_names[task->work]);
    if (task->level > 0)
      printf(":%d", task->level);
    printf("\": {\"seconds\": %.4f, \"processor\": %.4f, \"bytes\": %" PRIu64 "}", task->seconds,
           task->processor, task->bytes);
  }
  printf("}\n");
}

int main(int argc, char **argv)
{
  static struct run run;
  static struct worker workers[THREADS_MAX];
  struct vmf_error error = {0};

  if (argc < 5 || !choose_work(&run, argv + 4)) {
    fprintf(stderr, "Usage: limits SOURCE FOLDER THREADS WORK[:LEVEL]...\n");
    return 2;
  }
  long threads = strtol(argv[3], NULL, 10);
  run.thread_count = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : (unsigned)threads;
  enum vmf_code code = open_files(&run, argv[1], argv[2], &error);
  if (code == VMF_OK)
    code = make_run(&run, workers, &error);
  if (code == VMF_OK)
    code = time_all(&run, workers, &error);
  if (code == VMF_OK)
    print_run(&run);
  else
    fprintf(stderr, "limits: %s\n", error.text);
  free_run(&run, workers);
  return code == VMF_OK ? 0 : 1;
}
