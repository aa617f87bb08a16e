/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * batch FOLDER DISK...: each disk becomes a QCOW2 disk in the folder, named 1.qcow2, 2.qcow2, ...,
 * two at a time by one crew: so memory and threads are those of one.
 *
 *   cc -pthread batch_of_disks.c -o batch $(pkg-config --cflags --libs libvmferry) */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <vmferry.h>

static struct {
  const char *folder;
  char **disks;
  int count;
  struct vmf_crew *crew;
  atomic_int next, failed;
} work;

static enum vmf_code convert(const char *disk, const char *path, struct vmf_error *error)
{
  const struct vmf_job_options job = {.size = sizeof job, .crew = work.crew, .sparse_size = 4096};
  struct vmf_target_options options = {.size = sizeof options, .format = "qcow2"};
  struct vmf_image *source = NULL;
  struct vmf_target *target = NULL;
  enum vmf_code code = vmf_disk_open(disk, NULL, &source, error);

  options.source = source;
  if (code == VMF_OK)
    code = vmf_target_create(path, vmf_image_size(source), &options, &target, error);
  if (code == VMF_OK)
    code = vmf_convert(source, target, &job, NULL, error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, error);
  vmf_target_close(target);
  vmf_image_close(source);
  return code;
}

static void *worker(void *nothing)
{
  char path[4096];

  for (int i; (i = atomic_fetch_add(&work.next, 1)) < work.count;) {
    struct vmf_error error = {0};
    snprintf(path, sizeof path, "%s/%d.qcow2", work.folder, i + 1);
    if (convert(work.disks[i], path, &error) != VMF_OK) {
      fprintf(stderr, "%s\n", error.text);
      atomic_fetch_add(&work.failed, 1);
    }
  }
  return nothing;
}

int main(int count, char **words)
{
  struct vmf_error error = {0};
  pthread_t second;

  if (count < 3 || vmf_crew_new(0, &work.crew, &error) != VMF_OK) {
    fprintf(stderr, "%s\n", count < 3 ? "usage: batch FOLDER DISK..." : error.text);
    return 1;
  }
  work.folder = words[1];
  work.disks = words + 2;
  work.count = count - 2;
  int alone = pthread_create(&second, NULL, worker, NULL);
  worker(NULL);
  if (!alone)
    pthread_join(second, NULL);
  vmf_crew_free(work.crew);
  return work.failed == 0 ? 0 : 1;
}
