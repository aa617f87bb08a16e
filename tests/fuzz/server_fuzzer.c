/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Images on servers of this process, which answer as the input says. What is read, or was written,
 * without a failure is the disk; a server that does nothing wrong is no failure; and every failure
 * has a text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "disks.h"
#include "fuzz.h"
#include "http_server.h"
#include "nbd_server.h"
#include "scratch_files.h"
#include "store_server.h"

enum { URL = FUZZ_PATH + FUZZ_NAME };

static struct {
  unsigned http_port, nbd_port;
  bool http, nbd; /* the library has them */
} servers;

/* ---- no delays ---- */

ssize_t __wrap_getrandom(void *buffer, size_t length, unsigned flags);
ssize_t __real_getrandom(void *buffer, size_t length, unsigned flags);

/* The linker has it in the place of getrandom. Only the delay before another try, of which this is
 * the part of the longest one, asks so (src/io/remote/tries.c): there is none. */
ssize_t __wrap_getrandom(void *buffer, size_t length, unsigned flags)
{
  if (flags != GRND_NONBLOCK)
    return __real_getrandom(buffer, length, flags);
  memset(buffer, 0, length);
  return (ssize_t)length;
}

/* ---- what is served ---- */

static enum vmf_code write_to(const char *path, const struct vmf_target_options *options,
                              unsigned threads, struct vmf_error *error)
{
  const struct vmf_job_options job = {.size = sizeof job, .threads = threads};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target = NULL;

  enum vmf_code code =
      vmf_target_create(path, vmf_image_size(options->source), options, &target, error);
  if (code == VMF_OK)
    code = vmf_convert(options->source, target, &job, &result, error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, error);
  vmf_target_close(target);
  return code;
}

static enum vmf_code write_image(struct vmf_image *source, const char *path, const char *format,
                                 const char *options, unsigned threads, struct vmf_error *error)
{
  const struct vmf_target_options target = {.size = sizeof target,
                                            .format = format,
                                            .options = options,
                                            .no_sync = true,
                                            .source = source};

  return write_to(path, &target, threads, error);
}

static void add_file(struct fuzz_site *site, const char *name)
{
  struct fuzz_file *file = &site->files[site->count];
  char path[FUZZ_PATH];
  struct stat status;

  fuzz_scratch_path(name, path);
  if (site->count == FUZZ_FILES || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
    return;
  snprintf(file->name, sizeof file->name, "%s", name);
  file->bytes = fuzz_scratch_read(path, FUZZ_DISK_MAX, &file->size);
  site->count++;
}

/* Returns the format, whose files the site then has; those of VMDK may be several. */
static const char *make_files(struct fuzz_choices *choices, const struct fuzz_disk *disk,
                              struct fuzz_site *site)
{
  static const char *const extents[] = {"disk-flat.vmdk", "disk-s001.vmdk", "disk-f001.vmdk"};
  const char *format = fuzz_chance(choices, 2) ? fuzz_format(choices) : "raw";
  char options[FUZZ_OPTIONS] = "", name[FUZZ_NAME], path[FUZZ_PATH];
  struct vmf_image *source = fuzz_disk_image(disk);
  struct vmf_error error;

  if (strcmp(format, "raw") != 0)
    fuzz_format_options(choices, format, options);
  snprintf(name, sizeof name, "disk.%s", format);
  fuzz_scratch_path(name, path);
  if (write_image(source, path, format, options, 1, &error) == VMF_OK)
    add_file(site, name);
  for (size_t i = 0; site->count > 0 && i < sizeof extents / sizeof extents[0]; i++)
    add_file(site, extents[i]);
  vmf_image_close(source);
  if (site->count > 0)
    return format;
  fuzz_scratch_write("disk.raw", disk->bytes, disk->size);
  add_file(site, "disk.raw");
  return "raw";
}

static void free_files(struct fuzz_site *site)
{
  for (unsigned i = 0; i < site->count; i++)
    free(site->files[i].bytes);
}

/* ---- what must hold ---- */

static void check_failure(const char *what, bool good, const struct vmf_error *error)
{
  if (good)
    fuzz_fault("%s: the server does nothing wrong: %s", what, error->text);
  if (error->code == VMF_OK || error->text[0] == '\0')
    fuzz_fault("%s: fails without a reason", what);
}

/* Some places of it, then all. */
static void read_disk(struct fuzz_choices *choices, struct vmf_image *image,
                      const struct fuzz_disk *disk, bool good)
{
  struct vmf_error error = {0};
  uint8_t *bytes = malloc(disk->size);
  size_t at = 0, length = disk->size;

  if (vmf_image_size(image) < disk->size)
    fuzz_fault("a disk of %llu bytes, expected %zu", (unsigned long long)vmf_image_size(image),
               disk->size);
  if (!bytes)
    fuzz_fault("no memory");
  for (unsigned left = fuzz_below(choices, 4); left < 4; left++) {
    if (vmf_image_pread(image, bytes, length, at, &error) != VMF_OK)
      check_failure("reading", good, &error);
    else if (memcmp(bytes, disk->bytes + at, length) != 0)
      fuzz_fault("%zu bytes at %zu are not those of the disk", length, at);
    at = fuzz_below(choices, 256) * (size_t)65536 % disk->size;
    length = (fuzz_byte(choices) + 1) * (size_t)4096;
    length = length < disk->size - at ? length : disk->size - at;
  }
  free(bytes);
}

static void walk(struct vmf_image *image, bool good)
{
  struct vmf_extent extent = {.size = sizeof extent};
  struct vmf_value *info = NULL;
  struct vmf_error error = {0};
  uint64_t size = vmf_image_size(image);

  if (vmf_image_info(image, &info, &error) != VMF_OK)
    check_failure("info", good, &error);
  vmf_value_free(info);
  for (uint64_t guest = 0; guest < size; guest += extent.length)
    if (vmf_image_extent(image, guest, size, &extent, &error) != VMF_OK) {
      check_failure("map", good, &error);
      return;
    }
}

/* A file here, which was written without a failure. */
static void expect_file(const char *path, const char *format, const struct fuzz_disk *disk)
{
  const struct vmf_image_options options = {.size = sizeof options, .format = format};
  struct vmf_image *image;
  struct vmf_error error;

  if (vmf_image_open(path, &options, &image, &error) != VMF_OK)
    fuzz_fault("%s: %s", path, error.text);
  fuzz_disk_expect(image, disk, path);
  vmf_image_close(image);
}

static void convert(struct fuzz_choices *choices, struct vmf_image *image,
                    const struct fuzz_disk *disk, bool good)
{
  const char *format = fuzz_chance(choices, 2) ? "qcow2" : "raw";
  struct vmf_error error = {0};
  char path[FUZZ_PATH];

  fuzz_scratch_path("copy", path);
  if (write_image(image, path, format, "", 1 + fuzz_below(choices, 4), &error) == VMF_OK)
    expect_file(path, format, disk);
  else
    check_failure("converting", good, &error);
}

/* ---- by its URL ---- */

static void use(struct fuzz_choices *choices, const char *url, const char *format,
                const struct fuzz_disk *disk, bool good)
{
  bool converts = fuzz_chance(choices, 2), in_order = converts && fuzz_chance(choices, 4);
  const struct vmf_image_options options = {
      .size = sizeof options,
      .format = strcmp(format, "raw") == 0 || fuzz_chance(choices, 2) ? format : NULL,
      .in_order = in_order};
  struct vmf_error error = {0};
  struct vmf_image *image;

  if (vmf_image_open(url, &options, &image, &error) != VMF_OK) {
    check_failure("opening", good, &error);
    return;
  }
  if (!in_order && fuzz_chance(choices, 2))
    walk(image, good);
  if (converts)
    convert(choices, image, disk, good);
  else
    read_disk(choices, image, disk, good);
  vmf_image_close(image);
}

static void choose_site(struct fuzz_choices *choices, struct fuzz_site *site)
{
  fuzz_plan_choose(choices, &site->plan);
  site->tags = fuzz_below(choices, 8);
  site->whole = fuzz_chance(choices, 4);
  site->chunked = fuzz_chance(choices, 8);
  site->closing = fuzz_chance(choices, 8);
}

static void read_http(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  struct fuzz_site site = {.count = 0};
  char url[URL];

  choose_site(choices, &site);
  const char *format = make_files(choices, disk, &site);
  bool good = site.plan.good && !(site.whole && site.chunked); /* its length is told */
  unsigned number = fuzz_http_serve(&site);
  bool secret = fuzz_chance(choices, 8); /* what no message shows of it */
  snprintf(url, sizeof url, "http://%s127.0.0.1:%u/%u/%s%s", secret ? "user@" : "",
           servers.http_port, number, site.files[0].name, secret ? "?key=word" : "");
  use(choices, url, format, disk, good);
  fuzz_http_end();
  free_files(&site);
}

/* A format that is written as a stream. */
static void write_http(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  static const char *const formats[] = {"raw", "qcow2", "vmdk", "vpc"};
  const char *format = formats[fuzz_below(choices, 4)];
  struct fuzz_site site = {.count = 0};
  struct vmf_image *source = fuzz_disk_image(disk);
  struct vmf_error error = {0};
  char url[URL];

  choose_site(choices, &site);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/%u/disk", servers.http_port,
           fuzz_http_serve(&site));
  enum vmf_code code = write_image(source, url, format,
                                   strcmp(format, "vmdk") == 0 ? "subformat=streamOptimized" : "",
                                   1 + fuzz_below(choices, 4), &error);
  vmf_image_close(source);
  fuzz_http_end();
  if (code == VMF_OK && site.count == 0)
    fuzz_fault("%s is written without a failure, and not there", url);
  if (code == VMF_OK) {
    char path[FUZZ_PATH];
    fuzz_scratch_write("written", site.files[0].bytes, site.files[0].size);
    fuzz_scratch_path("written", path);
    expect_file(path, format, disk);
  } else if (code != VMF_USAGE && code != VMF_UNSUPPORTED) {
    check_failure("writing", site.plan.good, &error);
  }
  free_files(&site);
}

/* ---- objects ---- */

/* A place of the server that gives keys. */
static void set_place(const char *name, unsigned number, const char *tail)
{
  char text[URL];

  snprintf(text, sizeof text, "http://127.0.0.1:%u/keys/%u%s", servers.http_port, number, tail);
  setenv(name, text, 1);
}

static void say_file(const char *name, const char *text, const char *variable)
{
  char path[FUZZ_PATH];

  fuzz_scratch_write(name, text, strlen(text));
  fuzz_scratch_path(name, path);
  setenv(variable, path, 1);
}

/* Where the library finds keys; an instance, a container and a login are the server itself. */
static void choose_keys(struct fuzz_choices *choices, unsigned number)
{
  static const char *const names[] = {
      "AWS_ACCESS_KEY_ID",           "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",           "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_EC2_METADATA_SERVICE_ENDPOINT"};

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    unsetenv(names[i]);
  say_file("none", "# nothing\n[other]\nx = y\n", "AWS_CONFIG_FILE");
  say_file("none", "# nothing\n[other]\nx = y\n", "AWS_SHARED_CREDENTIALS_FILE");
  set_place("AWS_ENDPOINT_URL_STS", number, "");
  switch (fuzz_below(choices, 6)) {
  case 0:
    set_place("AWS_CONTAINER_CREDENTIALS_FULL_URI", number, "/all");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a token", 1);
    break;
  case 1:
    set_place("AWS_EC2_METADATA_SERVICE_ENDPOINT", number, "/");
    break;
  case 2:
    say_file("token", "a token\n", "AWS_WEB_IDENTITY_TOKEN_FILE");
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/x", 1);
    break;
  case 3:
    say_file("credentials",
             "[default]\naws_access_key_id = AKID\naws_secret_access_key=s\nregion = eu-west-1\n",
             "AWS_SHARED_CREDENTIALS_FILE");
    break;
  default:
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    if (fuzz_chance(choices, 2))
      setenv("AWS_SESSION_TOKEN", "token", 1);
  }
}

static void read_object(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  struct fuzz_store store = {.begun = false};
  struct fuzz_site site = {.store = &store};
  char url[URL];

  choose_site(choices, &site);
  const char *format = make_files(choices, disk, &site);
  bool good = site.plan.good && !(site.whole && site.chunked);
  unsigned number = fuzz_http_serve(&site);
  choose_keys(choices, number);
  snprintf(url, sizeof url, "s3://bucket/%u/%s", number, site.files[0].name);
  use(choices, url, format, disk, good);
  fuzz_http_end();
  free_files(&site);
}

static enum vmf_code write_once(const char *url, const char *format, bool journal, bool resume,
                                struct vmf_error *error)
{
  const struct vmf_image_options options = {.size = sizeof options, .format = "raw"};
  char path[FUZZ_PATH], journal_path[FUZZ_PATH];
  struct vmf_image *source;

  fuzz_scratch_path("source", path);
  fuzz_scratch_path("journal", journal_path);
  if (vmf_image_open(path, &options, &source, error) != VMF_OK)
    fuzz_fault("%s: %s", path, error->text);
  const struct vmf_target_options target = {.size = sizeof target,
                                            .format = format,
                                            .source = source,
                                            .journal =
                                                journal ? VMF_JOURNAL_WANTED : VMF_JOURNAL_NONE,
                                            .journal_path = journal ? journal_path : NULL,
                                            .resume = resume};
  enum vmf_code code = write_to(url, &target, 2, error);
  vmf_image_close(source);
  return code;
}

/* What was interrupted goes on, by a server that does nothing wrong any more. */
static void write_object(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  const char *format = fuzz_chance(choices, 2) ? "qcow2" : "raw";
  bool journal = fuzz_chance(choices, 2);
  struct fuzz_store store = {.begun = false};
  struct fuzz_site site = {.store = &store};
  struct vmf_error error = {0};
  char url[URL], path[FUZZ_PATH];

  choose_site(choices, &site);
  unsigned number = fuzz_http_serve(&site);
  choose_keys(choices, number);
  snprintf(store.key, sizeof store.key, "%u/disk", number);
  snprintf(url, sizeof url, "s3://bucket/%u/disk", number);
  fuzz_scratch_write("source", disk->bytes, disk->size);
  enum vmf_code code = write_once(url, format, journal, false, &error);
  if (code != VMF_OK)
    check_failure("writing", site.plan.good, &error);
  if (code != VMF_OK && journal) {
    fuzz_http_mend();
    code = write_once(url, format, true, true, &error);
    if (code != VMF_OK)
      check_failure("going on", true, &error);
  }
  fuzz_http_end();
  if (code == VMF_OK) {
    fuzz_scratch_write("written", site.files[0].bytes, site.files[0].size);
    fuzz_scratch_path("written", path);
    expect_file(path, format, disk);
  }
  fuzz_store_free(&store);
  free_files(&site);
}

/* ---- exports ---- */

static void choose_export(struct fuzz_choices *choices, struct fuzz_export *file)
{
  fuzz_plan_choose(choices, &file->plan);
  file->structured = !fuzz_chance(choices, 4);
  file->tells = !fuzz_chance(choices, 4);
  file->many = fuzz_chance(choices, 2);
  file->go = !fuzz_chance(choices, 8);
  file->flushes = fuzz_chance(choices, 2);
  file->zeroes = fuzz_chance(choices, 2);
  file->fast = fuzz_chance(choices, 2);
  file->least = (unsigned[]){1, 512, 4096}[fuzz_below(choices, 3)];
  file->most = (unsigned[]){0, 65536, 1 << 20, 32 << 20}[fuzz_below(choices, 4)];
  if (file->size % file->least > 0)
    file->least = 1;
}

static void serve_export(struct fuzz_export *file, char url[URL])
{
  snprintf(url, URL, "nbd://127.0.0.1:%u/%u", servers.nbd_port, fuzz_nbd_serve(file));
}

/* A copy, which is an old one where the bitmap marks something, becomes the disk again. */
static void apply_marked(const char *url, const struct fuzz_disk *disk, bool good)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .format = "raw", .bitmap = "it"};
  const struct vmf_apply_options how = {.size = sizeof how, .format = "raw", .no_sync = true};
  const struct vmf_job_options job = {.size = sizeof job, .threads = 1};
  struct vmf_job_result result = {.size = sizeof result};
  struct fuzz_disk old = {.bytes = malloc(disk->size), .size = disk->size};
  struct vmf_error error = {0};
  struct vmf_image *image;
  char path[FUZZ_PATH];

  if (!old.bytes)
    fuzz_fault("no memory");
  for (size_t i = 0; i < disk->size; i++)
    old.bytes[i] = fuzz_nbd_marks(i) ? (uint8_t)~disk->bytes[i] : disk->bytes[i];
  fuzz_scratch_write("old", old.bytes, old.size);
  free(old.bytes);
  fuzz_scratch_path("old", path);
  enum vmf_code code = vmf_image_open(url, &options, &image, &error);
  if (code == VMF_OK) {
    code = vmf_apply(image, path, &how, &job, &result, &error);
    vmf_image_close(image);
  }
  if (code == VMF_OK)
    expect_file(path, "raw", disk);
  else
    check_failure("applying", good, &error);
}

static void read_nbd(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  struct fuzz_site site = {.count = 0};
  const char *format = make_files(choices, disk, &site);
  struct fuzz_export file = {.bytes = site.files[0].bytes, .size = site.files[0].size};
  char url[URL];

  if (site.count == 1) { /* an export has no other beside it */
    choose_export(choices, &file);
    serve_export(&file, url);
    bool good = file.plan.good;
    if (strcmp(format, "raw") == 0 && fuzz_chance(choices, 3))
      apply_marked(url, disk, good && file.structured && file.tells);
    else
      use(choices, url, format, disk, good);
    fuzz_nbd_end();
  }
  free_files(&site);
}

/* A device, which has something else in it. */
static void write_nbd(struct fuzz_choices *choices, const struct fuzz_disk *disk)
{
  const char *format = fuzz_chance(choices, 2) ? "qcow2" : "raw";
  size_t room = fuzz_chance(choices, 2) ? 1 << 20 : 0;
  struct fuzz_export file = {.size = (disk->size + 4095) / 4096 * 4096 + room, .writable = true};
  struct vmf_image *source = fuzz_disk_image(disk);
  struct vmf_error error = {0};
  char url[URL], path[FUZZ_PATH];

  file.bytes = malloc(file.size);
  if (!file.bytes)
    fuzz_fault("no memory");
  memset(file.bytes, 0xaa, file.size);
  choose_export(choices, &file);
  serve_export(&file, url);
  enum vmf_code code = write_image(source, url, format, "", 1 + fuzz_below(choices, 4), &error);
  vmf_image_close(source);
  fuzz_nbd_end();
  if (code == VMF_OK) {
    fuzz_scratch_write("written", file.bytes, strcmp(format, "raw") == 0 ? disk->size : file.size);
    fuzz_scratch_path("written", path);
    expect_file(path, format, disk);
  } else {
    check_failure("writing", file.plan.good && strcmp(format, "raw") == 0, &error);
  }
  free(file.bytes);
}

/* ---- the target ---- */

void fuzz_server(const char *unused, const uint8_t *data, size_t size)
{
  struct fuzz_choices choices = {data, size};

  (void)unused;
  fuzz_scratch_clear();
  struct fuzz_disk disk = fuzz_disk_make(&choices);
  unsigned kind = fuzz_below(&choices, 12);
  if (kind < 3 && servers.http)
    read_http(&choices, &disk);
  else if (kind == 3 && servers.http)
    write_http(&choices, &disk);
  else if (kind < 6 && servers.nbd)
    read_nbd(&choices, &disk);
  else if (kind < 8 && servers.nbd)
    write_nbd(&choices, &disk);
  else if (kind < 10 && servers.http)
    read_object(&choices, &disk);
  else if (servers.http)
    write_object(&choices, &disk);
  free(disk.bytes);
}

/* Whether the library that speaks to such servers is there. */
static bool speaks(const char *url)
{
  const struct vmf_image_options options = {.size = sizeof options};
  struct vmf_image *image;
  struct vmf_error error;

  if (vmf_image_open(url, &options, &image, &error) != VMF_OK)
    return error.code != VMF_UNSUPPORTED;
  vmf_image_close(image);
  return true;
}

void fuzz_server_begin(void)
{
  const struct vmf_remote_options options = {.size = sizeof options, .retry_seconds = 1};
  struct vmf_error error;
  char url[URL];

  if (servers.http_port)
    return;
  setenv("no_proxy", "*", 1);
  if (vmf_remote_set(&options, &error) != VMF_OK)
    fuzz_fault("the settings: %s", error.text);
  servers.http_port = fuzz_http_begin();
  snprintf(url, sizeof url, "http://127.0.0.1:%u/0/none", servers.http_port);
  servers.http = speaks(url);
  snprintf(url, sizeof url, "http://127.0.0.1:%u", servers.http_port);
  setenv("AWS_ENDPOINT_URL", url, 1);
  servers.nbd_port = fuzz_nbd_begin();
  snprintf(url, sizeof url, "nbd://127.0.0.1:%u/0", servers.nbd_port);
  servers.nbd = speaks(url);
}
