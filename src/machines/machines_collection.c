/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A collection of machines: each gets a folder of its own. All are described before the first byte
 * is written, and all are written before the first one gets its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caller.h"
#include "machine_move.h"
#include "memory.h"
#include "output.h"
#include "text.h"
#include "value.h"

enum { MACHINES_MOST = 1000 /* whose disks are open together */ };

/* One of them; all of it belongs to the collection. */
struct member {
  struct vmf_machine_move move;
  char *name; /* of its folder */
  char *path; /* of that, ending in '/' */
  struct vmf_assembling *work;
  bool committed;
};

struct collection {
  struct vmf_machines *machines;
  const struct vmf_machine_target_options *to;
  const struct vmf_package_target *files;
  const struct vmf_platform *platform;
  char *folder;        /* that all are in, without '/' at its end */
  bool made_folder;    /* it was made for them */
  struct member *list; /* of machines->list */
};

/* ---- names ---- */

/* Programs, and file systems, that take upper and lower case for the same are served. */
static bool is_taken(const struct collection *collection, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (strcasecmp(collection->list[i].name, name) == 0)
      return true;
  return false;
}

static enum vmf_code name_member(struct collection *collection, size_t index,
                                 struct vmf_error *error)
{
  struct member *member = &collection->list[index];
  const char *own = member->move.machine->name.text;
  VMF_AUTO_FREE char *name = NULL;

  VMF_TRY(vmf_machine_move_called(&member->move, &name, error));
  VMF_TRY(vmf_copy_text(name, &member->name, error));
  for (size_t number = 2; is_taken(collection, index, member->name); number++) {
    vmf_free(member->name);
    member->name = NULL;
    VMF_TRY(vmf_format(&member->name, error, "%s-%zu", name, number));
  }
  if (!own || strcmp(own, member->name) != 0)
    vmf_warn(collection->files->log, "%s: machine %zu, \"%.80s\", is in the folder \"%s\"",
             collection->machines->path, index + 1, own ? own : "", member->name);
  return vmf_format(&member->path, error, "%s/%s/", collection->folder, member->name);
}

/* The folder of a machine is new: what is to come back has to be nothing. */
static enum vmf_code check_new(const struct member *member, struct vmf_error *error)
{
  struct stat status;
  VMF_AUTO_FREE char *plain = NULL;

  VMF_TRY(vmf_copy_bytes(member->path, strlen(member->path) - 1, &plain, error));
  if (lstat(plain, &status) < 0 && errno == ENOENT)
    return VMF_OK;
  return vmf_fail(
      error, VMF_USAGE,
      "%s: is there already; each machine of a collection gets a new folder: remove it, "
      "or name another place for all",
      plain);
}

static enum vmf_code find_folder(struct collection *collection, const char *path,
                                 struct vmf_error *error)
{
  size_t length = strlen(path);
  struct stat status;

  while (length > 1 && path[length - 1] == '/')
    length--;
  VMF_TRY(vmf_copy_bytes(path, length, &collection->folder, error));
  VMF_TRY(vmf_output_check_link(collection->folder, error));
  if (stat(collection->folder, &status) == 0 && S_ISDIR(status.st_mode))
    return VMF_OK;
  if (mkdir(collection->folder, 0777) < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: the folder cannot be made",
                          collection->folder);
  collection->made_folder = true;
  return VMF_OK;
}

static enum vmf_code name_all(struct collection *collection, const char *path,
                              struct vmf_error *error)
{
  const struct vmf_machines *machines = collection->machines;
  void *memory;

  if (machines->count > MACHINES_MOST)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: has %zu machines, and at most %d are written together: choose with "
                    "--system",
                    machines->path, machines->count, MACHINES_MOST);
  VMF_TRY(vmf_alloc(machines->count * sizeof *collection->list, &memory, error));
  collection->list = memory;
  VMF_TRY(find_folder(collection, path, error));
  for (size_t i = 0; i < machines->count; i++) {
    collection->list[i].move = (struct vmf_machine_move){.machines = collection->machines,
                                                         .machine = machines->list[i],
                                                         .to = collection->to,
                                                         .files = collection->files,
                                                         .fit.platform = *collection->platform,
                                                         .together = true};
    VMF_TRY(name_member(collection, i, error));
    VMF_TRY(check_new(&collection->list[i], error));
  }
  return VMF_OK;
}

/* ---- what is told of all ---- */

static const char *called(const struct vmf_machine *machine)
{
  return machine->name.text ? machine->name.text : "?";
}

static int by_order(const void *one, const void *other)
{
  const struct vmf_machine *const *a = one, *const *b = other;
  uint64_t first = (*a)->start_order.value, second = (*b)->start_order.value;

  return first < second ? -1 : first > second;
}

/* "start-order": those that have a place in it, the first to start first. */
static enum vmf_code tell_order(const struct vmf_machines *machines, struct vmf_value *tree,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  struct vmf_value *list;
  size_t count = 0;

  VMF_TRY(vmf_alloc(machines->count * sizeof(struct vmf_machine *), &memory, error));
  const struct vmf_machine **sorted = memory;
  for (size_t i = 0; i < machines->count; i++)
    if (machines->list[i]->start_order.told)
      sorted[count++] = machines->list[i];
  if (count == 0)
    return VMF_OK;
  qsort(sorted, count, sizeof *sorted, by_order);
  VMF_TRY(vmf_value_add(tree, VMF_VALUE_LIST, "start-order", &list, error));
  for (size_t i = 0; i < count; i++)
    VMF_TRY(vmf_value_text(list, NULL, called(sorted[i]), error));
  return VMF_OK;
}

static enum vmf_code give_losses(const struct collection *collection, struct vmf_error *error)
{
  struct vmf_value *tree, *list, *value;

  if (!collection->to->losses)
    return VMF_OK;
  VMF_TRY(vmf_machine_move_report(collection->machines, collection->to->losses, error));
  tree = *collection->to->losses;
  VMF_TRY(vmf_value_text(tree, "target", collection->folder, error));
  VMF_TRY(tell_order(collection->machines, tree, error));
  VMF_TRY(vmf_machine_tell_shared(collection->machines, tree, error));
  VMF_TRY(vmf_value_add(tree, VMF_VALUE_LIST, "machines", &list, error));
  for (size_t i = 0; i < collection->machines->count; i++) {
    VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &value, error));
    VMF_TRY(vmf_value_text(value, "name", called(collection->list[i].move.machine), error));
    VMF_TRY(vmf_machine_move_losses(&collection->list[i].move, value, error));
  }
  return VMF_OK;
}

/* ---- writing ---- */

/* Each is told of those behind it. */
static void chain(struct collection *collection)
{
  uint64_t before = 0;

  for (size_t i = 0; i < collection->machines->count; i++) {
    struct vmf_assembly *assembly = &collection->list[i].move.assembly;
    assembly->read_before = before;
    assembly->fits = i > 0;
    if (i + 1 < collection->machines->count)
      assembly->next = &collection->list[i + 1].move.assembly;
    for (size_t j = 0; j < assembly->count; j++)
      before += assembly->files[j].weight;
  }
}

static enum vmf_code write_member(struct member *member, bool dry_run,
                                  struct vmf_package_result *all, struct vmf_error *error)
{
  struct vmf_package_result result = {.size = sizeof result};

  VMF_TRY(dry_run ? vmf_assembling_foresee(member->work, &result, error)
                  : vmf_assembling_write(member->work, &result, error));
  if (dry_run && result.room > 0)
    all->room = result.room; /* the first tells it of all */
  all->files += result.files;
  all->bytes += result.bytes;
  return VMF_OK;
}

static enum vmf_code sync_above(const struct collection *collection, struct vmf_error *error)
{
  if (!collection->made_folder || collection->files->no_sync)
    return VMF_OK;
  int folder = open(collection->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return vmf_fail_errno(error, VMF_WRITE, "%s: opening the folder", collection->folder);
  enum vmf_code code = vmf_output_sync_above(folder, collection->list[0].path, error);
  close(folder);
  return code;
}

static enum vmf_code commit_all(struct collection *collection, struct vmf_error *error)
{
  for (size_t i = 0; i < collection->machines->count; i++) {
    VMF_TRY(vmf_assembling_commit(collection->list[i].work, error));
    collection->list[i].committed = true;
  }
  return sync_above(collection, error);
}

static enum vmf_code write_all(struct collection *collection, struct vmf_package_result *result,
                               struct vmf_error *error)
{
  size_t count = collection->machines->count;

  chain(collection);
  for (size_t i = 0; i < count; i++) {
    struct member *member = &collection->list[i];
    VMF_TRY(vmf_assembling_new(&member->move.destination, &member->move.assembly, collection->files,
                               &member->work, error));
  }
  for (size_t i = 0; i < count; i++)
    VMF_TRY(write_member(&collection->list[i], collection->to->dry_run, result, error));
  return collection->to->dry_run ? VMF_OK : commit_all(collection, error);
}

static enum vmf_code convert(struct collection *collection, const char *path,
                             struct vmf_error *error)
{
  struct vmf_package_result result;
  size_t count = collection->machines->count;

  VMF_TRY(vmf_take_package_result(collection->files->result, &result, error));
  result = (struct vmf_package_result){.size = sizeof result};
  VMF_TRY(vmf_machine_move_networks(collection->machines, 0, count, collection->to, error));
  VMF_TRY(vmf_machine_move_check_left(collection->machines, 0, count, collection->to, error));
  VMF_TRY(name_all(collection, path, error));
  for (size_t i = 0; i < count; i++)
    VMF_TRY(vmf_machine_move_prepare(&collection->list[i].move, collection->list[i].path, error));
  VMF_TRY(give_losses(collection, error));
  for (size_t i = 0; i < count; i++)
    VMF_TRY(vmf_machine_move_check(&collection->list[i].move, error));
  VMF_TRY(write_all(collection, &result, error));
  vmf_give_package_result(&result, collection->files->result);
  return VMF_OK;
}

static void clear(struct collection *collection, bool keep)
{
  for (size_t i = 0; collection->list && i < collection->machines->count; i++) {
    struct member *member = &collection->list[i];
    if (member->committed && !keep)
      vmf_assembling_take_back(member->work);
    vmf_assembling_free(member->work);
    vmf_machine_move_clear(&member->move, keep);
    vmf_free(member->name);
    vmf_free(member->path);
  }
  if (collection->made_folder && !keep)
    (void)rmdir(collection->folder);
  vmf_free(collection->list);
  vmf_free(collection->folder);
}

enum vmf_code vmf_machines_convert_all(struct vmf_machines *machines, const char *path,
                                       const struct vmf_machine_target_options *to,
                                       const struct vmf_package_target *files,
                                       const struct vmf_platform *platform, struct vmf_error *error)
{
  struct vmf_package_target own = *files;
  struct collection collection = {
      .machines = machines, .to = to, .files = &own, .platform = platform};

  if (own.journal == VMF_JOURNAL_WANTED)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: cannot be resumed: it gets several machines, which appear together; one "
                    "that is named with --system can",
                    path);
  own.journal = VMF_JOURNAL_NONE;
  enum vmf_code code = convert(&collection, path, error);

  clear(&collection, code == VMF_OK && !to->dry_run);
  return code;
}
