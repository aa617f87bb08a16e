/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The files of a package: what their names may be, how they are stored, and what they hold. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "checked.h"
#include "file.h"
#include "href.h"
#include "list.h"
#include "log.h"
#include "memory.h"
#include "near_name.h"
#include "opener.h"
#include "package.h"
#include "path.h"
#include "remote_io.h"
#include "url.h"
#include "view.h"

enum { CHUNKS_MAX = 1 << 16, PATH_ROOM = 4096 /* what the kernel takes */ };

const char *vmf_package_file_label(const struct vmf_package *package, const char *name,
                                   char label[512])
{

  if (package->io)
    snprintf(label, 512, "%s::%s", package->path, name);
  else
    snprintf(label, 512, "%.*s%s", (int)vmf_path_folder(package->descriptor_path),
             package->descriptor_path, name);
  return label;
}

size_t vmf_package_member(const struct vmf_package *package, const char *name)
{
  size_t first = 0, end = package->tar ? package->tar->count : 0;

  while (first < end) {
    size_t middle = first + (end - first) / 2, index = package->by_name[middle];
    int order = strcmp(name, package->tar->members[index].name);
    if (order == 0)
      return index;
    if (order < 0)
      end = middle;
    else
      first = middle + 1;
  }
  return SIZE_MAX;
}

/* A link that leads nowhere is there, too: opening it tells what is wrong. Without memory of its
 * own, the lack of which would read as the lack of the file. */
bool vmf_package_has(const struct vmf_package *package, const char *name)
{
  char path[PATH_ROOM];
  struct stat status;

  if (package->io)
    return vmf_package_member(package, name) != SIZE_MAX;
  if (vmf_url_is(package->descriptor_path))
    return vmf_name_has_beside(package->descriptor_path, name);
  const char *slash = strrchr(package->descriptor_path, '/');
  int folder = slash ? (int)(slash + 1 - package->descriptor_path) : 0;
  int length = snprintf(path, sizeof path, "%.*s%s", folder, package->descriptor_path, name);
  return length < PATH_ROOM && lstat(path, &status) == 0;
}

/* ---- names ---- */

static enum vmf_code check_name(const struct vmf_package *package, const char *name,
                                struct vmf_error *error)
{
  const char *why = vmf_href_fault(name, strlen(name));

  if (!why)
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: refers to \"%s\", which %s; put the file beside the descriptor and name "
                  "it without a path",
                  package->path, name, why);
}

enum vmf_code vmf_package_href(const struct vmf_package *package, const struct vmf_ovf_file *file,
                               char **name, struct vmf_error *error)
{
  const char *href = file->href ? file->href : "";
  VMF_AUTO_FREE char *decoded = NULL;

  if (vmf_href_is_remote(href))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: file \"%s\" is at \"%s\": nothing is fetched from a network; put it "
                    "beside the descriptor",
                    package->path, file->id ? file->id : "", href);
  if (strncasecmp(href, "file:", 5) == 0)
    href += strncmp(href + 5, "//", 2) == 0 ? 7 : 5;
  while (strncmp(href, "./", 2) == 0)
    href += 2;
  VMF_TRY(vmf_copy_text(href, &decoded, error));
  vmf_ovf_decode_href(decoded);
  VMF_TRY(check_name(package, href, error));
  VMF_TRY(check_name(package, decoded, error));
  if (!vmf_package_has(package, decoded) && vmf_package_has(package, href))
    return vmf_copy_text(href, name, error); /* a file that is really called "%41" */
  *name = decoded;
  decoded = NULL;
  return VMF_OK;
}

/* ---- as they are stored ---- */

/* The file of the folder that is called `name` but for the case of letters; NULL: there is none. An
 * archive is one file, whose names nothing changes on its way. */
static enum vmf_code find_near(const struct vmf_package *package, const char *name, char **found,
                               struct vmf_error *error)
{
  size_t folder = vmf_path_folder(name);
  struct vmf_near_name near = {.wanted = name + folder};
  VMF_AUTO_FREE char *inner = NULL, *path = NULL;
  enum vmf_code code = VMF_OK;

  *found = NULL;
  VMF_TRY(vmf_format(&inner, error, "%.*s.", (int)folder, name));
  VMF_TRY(vmf_path_beside(package->descriptor_path, inner, &path, error));
  DIR *stream = opendir(path);
  for (const struct dirent *entry; stream && code == VMF_OK && (entry = readdir(stream)) != NULL;)
    if (entry->d_type != DT_DIR && vmf_names_near(entry->d_name, near.wanted))
      code = vmf_near_name_offer(&near, entry->d_name, error);
  if (stream)
    closedir(stream);
  if (code == VMF_OK && near.other)
    code =
        vmf_fail(error, VMF_REFUSED,
                 "%s: refers to \"%s\", and beside it are both \"%s\" and \"%s\": rename the one "
                 "that is meant",
                 package->path, name, near.found, near.other);
  if (code == VMF_OK && near.found)
    code = vmf_format(found, error, "%.*s%s", (int)folder, name, near.found);
  vmf_near_name_clear(&near);
  return code;
}

/* Whether it is there, maybe in another case. */
static enum vmf_code is_stored(const struct vmf_package *package, const char *name, bool *stored,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *found = NULL;

  *stored = vmf_package_has(package, name);
  if (*stored || package->io)
    return VMF_OK;
  VMF_TRY(find_near(package, name, &found, error));
  *stored = found != NULL;
  return VMF_OK;
}

/* Once a name. Without memory it may be told again. */
static void tell_case(struct vmf_package *package, const char *name, const char *found)
{
  for (size_t i = 0; i < package->moved_count; i++)
    if (strcmp(package->moved[i], name) == 0)
      return;
  vmf_warn(package->options.log,
           "%s: refers to \"%s\", which is not there; %s is read instead, and in another case",
           package->path, name, found);
  if (VMF_LIST_ROOM(package->moved, package->moved_count, package->moved_capacity, "names", NULL) ==
          VMF_OK &&
      vmf_copy_text(name, &package->moved[package->moved_count], NULL) == VMF_OK)
    package->moved_count++;
}

static enum vmf_code open_in_folder(struct vmf_package *package, const char *name,
                                    struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE char *plain = NULL, *found = NULL;

  if (!vmf_package_has(package, name))
    VMF_TRY(find_near(package, name, &found, error));
  if (found && package->options.strict)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: refers to \"%s\", which is not there, and %s is written in another case",
                    package->path, name, found);
  const char *stored = found ? found : name;
  VMF_TRY(vmf_format(&plain, error, "%s%s", strchr(stored, ':') ? "./" : "", /* no protocol */
                     stored));
  VMF_TRY(vmf_open_reference(package->descriptor_path, plain, NULL, !package->options.ignore_locks,
                             io, error));
  if (package->options.no_cache)
    vmf_io_transient(*io);
  if (found)
    tell_case(package, name, found);
  return VMF_OK;
}

enum vmf_code vmf_package_open_stored(struct vmf_package *package, const char *name,
                                      struct vmf_io **io, struct vmf_error *error)
{
  char label[512];
  size_t index = vmf_package_member(package, name);

  VMF_TRY(check_name(package, name, error));
  if (!package->io)
    return open_in_folder(package, name, io, error);
  if (index == SIZE_MAX)
    return vmf_fail(error, VMF_CORRUPT, "%s: has no file \"%s\"", package->path, name);
  const struct vmf_tar_member *member = &package->tar->members[index];
  return vmf_io_window(package->io, member->offset, member->size,
                       vmf_package_file_label(package, name, label), false, io, error);
}

static enum vmf_code read_unchanged(const struct vmf_package *package, struct vmf_io *io,
                                    size_t limit, const char *what, void **memory,
                                    struct vmf_error *error)
{
  if (io->size > limit)
    return vmf_fail(error, VMF_LIMIT, "%s: %llu bytes are too many for %s; at most %zu are read",
                    io->name, (unsigned long long)io->size, what, limit);
  VMF_TRY(vmf_alloc((size_t)io->size + 1, memory, error));
  VMF_TRY(vmf_io_pread(io, *memory, (size_t)io->size, 0, error));
  return vmf_io_unchanged(io, package->options.log, error);
}

enum vmf_code vmf_package_read_whole(const struct vmf_package *package, struct vmf_io *io,
                                     size_t limit, const char *what, char **bytes, size_t *length,
                                     struct vmf_error *error)
{
  void *memory = NULL;
  enum vmf_code code = read_unchanged(package, io, limit, what, &memory, error);

  if (code == VMF_OK) {
    *bytes = memory;
    *length = (size_t)io->size;
  } else
    vmf_free(memory);
  vmf_io_close(io);
  return code;
}

/* The member that an image means by a path of another machine, or in another case. */
static enum vmf_code find_moved_member(const struct vmf_package *package, const char *name,
                                       char **found, struct vmf_error *error)
{
  struct vmf_near_name near = {.wanted = vmf_last_part(name)};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; near.wanted && i < package->tar->count && code == VMF_OK; i++)
    code = vmf_near_name_offer(&near, package->tar->members[i].name, error);
  if (code == VMF_OK && (!near.found || near.other))
    code = check_name(package, name, error);
  if (code == VMF_OK && (!near.found || near.other))
    code = vmf_fail(error, VMF_REFUSED,
                    "%s: an image in it refers to \"%.160s\", which is no file of the archive",
                    package->path, name);
  if (code == VMF_OK) {
    *found = near.found;
    near.found = NULL;
  }
  vmf_near_name_clear(&near);
  return code;
}

enum vmf_code vmf_package_open_member(struct vmf_opener *opener, const char *name,
                                      enum vmf_reference reference, struct vmf_io **io,
                                      struct vmf_error *error)
{
  struct vmf_package *package =
      (struct vmf_package *)((char *)opener - offsetof(struct vmf_package, members));

  VMF_AUTO_FREE char *moved = NULL;

  (void)reference;
  while (strncmp(name, "./", 2) == 0)
    name += 2;
  if (vmf_package_member(package, name) == SIZE_MAX) {
    if (package->options.strict)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: \"%.160s\", which an image in it names, is no file of the archive",
                      package->path, name);
    VMF_TRY(find_moved_member(package, name, &moved, error));
    vmf_warn(package->options.log,
             "%s: \"%.160s\", which an image in it names, is no file of the "
             "archive; %s is read instead",
             package->path, name, moved);
    name = moved;
  }
  return vmf_package_open_stored(package, name, io, error);
}

void vmf_package_names_free(char **names, size_t count)
{
  for (size_t i = 0; i < count; i++)
    vmf_free(names[i]);
  vmf_free(names);
}

static enum vmf_code missing(const struct vmf_package *package, const char *name,
                             struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: its file \"%s\" is missing", package->path, name);
}

static enum vmf_code chunk_name(const char *name, size_t index, char **chunk,
                                struct vmf_error *error)
{
  return vmf_format(chunk, error, "%s.%09zu", name, index);
}

/* How many chunks are there, one behind the other from the first. */
static enum vmf_code count_chunks(const struct vmf_package *package, const char *name,
                                  size_t *count, struct vmf_error *error)
{
  for (*count = 0; *count < CHUNKS_MAX; ++*count) {
    VMF_AUTO_FREE char *chunk = NULL;
    VMF_TRY(chunk_name(name, *count, &chunk, error));
    if (!vmf_package_has(package, chunk))
      return VMF_OK;
  }
  return vmf_fail(error, VMF_LIMIT, "%s: file \"%s\" has more than %d chunks", package->path, name,
                  CHUNKS_MAX);
}

/* Nobody says how many there are: at least none is missing between others. */
static enum vmf_code check_gap(const struct vmf_package *package, const char *name, size_t count,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *gap = NULL, *next = NULL;

  VMF_TRY(chunk_name(name, count, &gap, error));
  VMF_TRY(chunk_name(name, count + 1, &next, error));
  return vmf_package_has(package, next) ? missing(package, gap, error) : VMF_OK;
}

static enum vmf_code check_chunk_count(const struct vmf_package *package,
                                       const struct vmf_ovf_file *file, const char *name,
                                       size_t count, struct vmf_error *error)
{
  uint64_t expected = file->size / file->chunk_size + (file->size % file->chunk_size > 0);

  if (!file->size_known)
    return check_gap(package, name, count, error);
  if (expected == count)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: file \"%s\" has %zu chunks, expected %" PRIu64 " (%" PRIu64
                  " bytes in chunks of %" PRIu64 ")",
                  package->path, name, count, expected, file->size, file->chunk_size);
}

enum vmf_code vmf_package_stored_names(struct vmf_package *package, const struct vmf_ovf_file *file,
                                       char ***names, size_t *count, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  void *memory;
  size_t chunks = 0;
  bool stored = true; /* whole: also a chunked file may be */

  VMF_TRY(vmf_package_href(package, file, &name, error));
  if (file->chunk_size > 0)
    VMF_TRY(count_chunks(package, name, &chunks, error));
  if (chunks == 0)
    VMF_TRY(is_stored(package, name, &stored, error));
  if (!stored)
    return missing(package, name, error);
  if (chunks > 0)
    VMF_TRY(check_chunk_count(package, file, name, chunks, error));
  VMF_TRY(vmf_alloc((chunks + 1) * sizeof(char *), &memory, error));
  char **list = memory;
  enum vmf_code code = VMF_OK;
  *count = chunks > 0 ? chunks : 1;
  for (size_t i = 0; i < chunks && code == VMF_OK; i++)
    code = chunk_name(name, i, &list[i], error);
  if (chunks == 0) {
    list[0] = name;
    name = NULL;
  }
  if (code != VMF_OK)
    vmf_package_names_free(list, *count);
  else
    *names = list;
  return code;
}

/* ---- what they hold ---- */

static enum vmf_code check_chunk(const struct vmf_ovf_file *file, const struct vmf_io *part,
                                 bool last, struct vmf_error *error)
{
  if (part->size == file->chunk_size || (last && part->size <= file->chunk_size))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s: a chunk of %" PRIu64 " bytes, expected %" PRIu64,
                  part->name, part->size, file->chunk_size);
}

/* Opens parts[0..count); *opened says how many are open, also on failure. */
static enum vmf_code open_chunks(struct vmf_package *package, const struct vmf_ovf_file *file,
                                 char **names, size_t count, struct vmf_io **parts, size_t *opened,
                                 struct vmf_error *error)
{
  for (*opened = 0; *opened < count;) {
    size_t index = *opened;
    VMF_TRY(vmf_package_open_stored(package, names[index], &parts[index], error));
    ++*opened;
    VMF_TRY(check_chunk(file, parts[index], index + 1 == count, error));
  }
  return VMF_OK;
}

static enum vmf_code join_chunks(struct vmf_package *package, const struct vmf_ovf_file *file,
                                 char **names, size_t count, struct vmf_io **io,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE void *parts = NULL;
  char label[512];
  size_t opened = 0;

  VMF_TRY(vmf_alloc(count * sizeof(struct vmf_io *), &parts, error));
  enum vmf_code code = open_chunks(package, file, names, count, parts, &opened, error);
  if (code == VMF_OK)
    return vmf_io_joined(parts, count, vmf_package_file_label(package, file->href, label), io,
                         error);
  while (opened > 0)
    vmf_io_close(((struct vmf_io **)parts)[--opened]);
  return code;
}

uint64_t vmf_package_most(const struct vmf_package *package)
{
  return package->options.max_bytes > 0 ? package->options.max_bytes : INT64_MAX;
}

/* A packed disk holds at most its capacity and some tables; whatever else is packed is not bounded
 * but by its reader. */
static uint64_t unpacked_limit(const struct vmf_package *package, const struct vmf_ovf_file *file)
{
  const struct vmf_ovf *ovf = package->ovf;
  uint64_t limit = vmf_package_most(package);

  for (size_t i = 0; i < ovf->disk_count; i++) {
    const struct vmf_ovf_disk *disk = &ovf->disks[i];
    uint64_t more;
    if (disk->file_ref && file->id && strcmp(disk->file_ref, file->id) == 0 &&
        disk->capacity_known && vmf_add(disk->capacity, disk->capacity / 64 + (64u << 20), &more) &&
        more < limit)
      limit = more;
  }
  return limit;
}

/* Takes over `stored`. */
static enum vmf_code unpack(const struct vmf_package *package, const struct vmf_ovf_file *file,
                            const struct vmf_gunzip_options *gunzip, struct vmf_io *stored,
                            struct vmf_io **io, struct vmf_error *error)
{
  const char *method = file->compression ? file->compression : "";

  *io = stored;
  if (method[0] == '\0' || strcasecmp(method, "identity") == 0 || strcasecmp(method, "none") == 0)
    return VMF_OK;
  if (strcasecmp(method, "gzip") == 0)
    return vmf_io_gunzip(stored, gunzip, io, error);
  enum vmf_code code =
      vmf_fail(error, VMF_UNSUPPORTED, "%s: file \"%s\" is packed by \"%s\"; only gzip is read",
               package->path, file->href, method);
  vmf_io_close(stored);
  return code;
}

enum vmf_code vmf_package_unpack_file(struct vmf_package *package, const struct vmf_ovf_file *file,
                                      struct vmf_error *error)
{
  struct vmf_io *io;

  if (!file->compression)
    return VMF_OK;
  VMF_TRY(vmf_package_open_content(package, file, NULL, &io, error)); /* which unpacks all of it */
  vmf_io_close(io);
  return VMF_OK;
}

static enum vmf_code open_unpacked(struct vmf_package *package, const struct vmf_ovf_file *file,
                                   const struct vmf_gunzip_options *gunzip, struct vmf_io **io,
                                   struct vmf_error *error)
{
  struct vmf_io *stored = NULL;
  char **names;
  size_t count;

  VMF_TRY(vmf_package_stored_names(package, file, &names, &count, error));
  enum vmf_code code = count == 1 && file->chunk_size == 0
                           ? vmf_package_open_stored(package, names[0], &stored, error)
                           : join_chunks(package, file, names, count, &stored, error);
  vmf_package_names_free(names, count);
  if (code != VMF_OK)
    return code;
  return unpack(package, file, gunzip, stored, io, error);
}

enum vmf_code vmf_package_open_text(struct vmf_package *package, const struct vmf_ovf_file *file,
                                    uint64_t limit, struct vmf_io **io, struct vmf_error *error)
{
  const struct vmf_gunzip_options gunzip = {.limit = limit, .cancel = package->options.cancel};

  return open_unpacked(package, file, &gunzip, io, error);
}

enum vmf_code vmf_package_open_content(struct vmf_package *package, const struct vmf_ovf_file *file,
                                       const struct vmf_image_options *told, struct vmf_io **io,
                                       struct vmf_error *error)
{
  const struct vmf_gunzip_options gunzip = {.limit = unpacked_limit(package, file),
                                            .cancel = package->options.cancel,
                                            .progress = told ? told->progress : NULL,
                                            .progress_data = told ? told->progress_data : NULL};

  return open_unpacked(package, file, &gunzip, io, error);
}
