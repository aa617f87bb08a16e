/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry convert`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "common_arguments.h"
#include "human.h"
#include "listener.h"
#include "machine_moving.h"
#include "names.h"
#include "packaging.h"
#include "profiles.h"
#include "sources.h"
#include "status.h"
#include "verb_convert.h"

#define VMF_SETTINGS struct vmf_convert_settings

static const struct vmf_convert_settings convert_initial = {
    .source = VMF_SOURCE_CHECKED, .transfer = {.sparse_size = VMF_SPARSE_SIZE}};

static const struct vmf_argument convert_arguments[] = {
    VMF_GROUP_READING,
    {.letter = 'f',
     .name = "format",
     VMF_SETS_TEXT(source.format),
     .value = "FORMAT",
     .help = "format of the sources (default: found by content)"},
    VMF_ARGUMENT_SOURCE_SIZE,
    VMF_ARGUMENT_SNAPSHOT,
    {.name = "read-all",
     VMF_SETS_FLAG(source.read_all),
     .help = "do not trust the holes that the file system reports"},
    {.name = "join",
     VMF_SETS_FLAG(source.join),
     .help = "join several sources although they look like whole disks"},
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_STORAGE,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    {.name = "salvage",
     VMF_SETS_TEXT(salvage.map),
     .given = VMF_SETTING(bool, salvage.wanted),
     .value = "MAPFILE",
     .value_optional = true,
     .help = "what cannot be read becomes zeros and is listed: exit status 11"},
    VMF_GROUP_WRITING,
    {.letter = 'O',
     .name = "target-format",
     VMF_SETS_TEXT(target.format),
     .value = "FORMAT",
     .help = "format of the target (default: by its suffix, then raw)"},
    VMF_ARGUMENT_OPTIONS,
    VMF_ARGUMENT_TARGET_SECRET,
    {.name = "for",
     VMF_SETS_TEXT(move.platform),
     .value = "PLATFORM",
     .help = "as this platform takes it: form and size of disks, devices of a machine (\"help "
             "profiles\" lists them)"},
    {.letter = 'c',
     .name = "compress",
     VMF_SETS_FLAG(target.compress),
     .help = "compress the target's data"},
    {.letter = 'B',
     .name = "backing",
     VMF_SETS_TEXT(target.backing),
     .value = "BACKING",
     .help = "make an overlay: store only what differs from BACKING"},
    {.name = "resize",
     VMF_SETS_TEXT(resize),
     .value = "SIZE",
     .help = "the disk gets this size, or +SIZE more; smaller where its partitions allow it"},
    {.name = "move-gpt",
     VMF_SETS_FLAG(move_gpt),
     .help = "put the second partition table (GPT) at the end of the disk"},
    {.letter = 'F',
     .name = "backing-format",
     VMF_SETS_TEXT(target.backing_format),
     .value = "FORMAT",
     .help = "format of the backing file (needed with -B)"},
    {.letter = 'S',
     .name = "sparse-size",
     VMF_SETS_SIZE(transfer.sparse_size),
     .value = "SIZE",
     .help = "so many zero bytes become a hole (default: 4k; 0: none)"},
    {.name = "checksum",
     VMF_SETS_CHECKSUM(transfer.checksum),
     .value = "ALGORITHM",
     .value_optional = true,
     .help = "print the checksum of the guest content (sha256)"},
    {.letter = 'a',
     .name = "algorithm",
     VMF_SETS_CHECKSUM(transfer.checksum),
     .value = "ALGORITHM",
     .help = "the same; sha256, sha1 or sha512"},
    {.name = "expect",
     VMF_SETS_TEXT(transfer.expected),
     .value = "blkhash-sha256:HEX",
     .help = "make no target of a disk that has another checksum of its content"},
    {.name = "verify",
     VMF_SETS_FLAG(transfer.verify),
     .help = "read the target back and compare the checksums"},
    {.name = "dry-run",
     VMF_SETS_FLAG(target.dry_run),
     .help = "tell what would be written, how large, and whether it fits"},
    VMF_ARGUMENT_NO_CLOBBER,
    VMF_ARGUMENT_FORCE,
    {.name = "in-place",
     VMF_SETS_FLAG(target.in_place),
     .help = "write into a target that is there: no all or nothing"},
    VMF_ARGUMENT_RESUME,
    {.name = "journal-file",
     VMF_SETS_TEXT(transfer.journal_file),
     .value = "JOURNAL",
     .help = "where the journal stands while a block device or an object is written"},
    VMF_ARGUMENT_SPOOL,
    VMF_ARGUMENT_NO_SYNC,
    {.name = "reflink",
     VMF_SETS_EITHER(transfer.no_reflink),
     .value = "never|auto",
     .help = "auto: share extents where the file system can"},
    {.name = "disk-format",
     VMF_SETS_TEXT(target.disk_format),
     .value = "FORM",
     .help = "form of the disks in a package, as pack has it (also: -O)"},
    {.name = "map",
     VMF_SETS_TEXT(target.map),
     .value = "MAPFILE",
     .help = "also write a map of what is stored where, for the next time"},
    {.name = "since",
     VMF_SETS_TEXT(target.since),
     .value = "FILE",
     .help = "read or pack only what has changed since this map was written"},
    {.name = "onto",
     VMF_SETS_TEXT(target.onto),
     .value = "FILE",
     .help = "the target of then, from which the rest is taken"},
    {.name = "bitmap",
     VMF_SETS_TEXT(source.bitmap),
     .value = "NAME",
     .help = "with --since: this bitmap of the source says what has changed"},
    {.letter = 'n',
     .name = "no-create",
     VMF_SETS_FLAG(target.exists),
     .help = "the target must be there, as large as the source"},
    VMF_GROUP_MACHINE,
    {.name = "machine",
     VMF_SETS_TEXT(move.format),
     .value = "MACHINE",
     .help = "format of the machine that is written (default: by the target's suffix)"},
    {.name = "system",
     VMF_SETS_TEXT(move.system),
     .value = "NAME",
     .help = "of several machines in the source this one, not all (into a folder)"},
    {.name = "copy",
     VMF_SETS_FLAG(move.copy),
     .help = "a new machine: other ids, no addresses of network cards"},
    {.name = "network",
     VMF_SETS_LISTED(move.networks),
     .value = "OLD=NEW",
     .help = "network cards on OLD are put on NEW (repeatable)"},
    {.name = "deployment",
     VMF_SETS_TEXT(move.install.deployment),
     .value = "ID",
     .help = "of a package: this deployment option, not its default"},
    {.name = "property",
     VMF_SETS_LISTED(move.install.properties),
     .value = "KEY=VALUE",
     .help = "of a package: the value of a property (repeatable)"},
    {.name = "properties",
     VMF_SETS_TEXT(move.install.properties_file),
     .value = "FILE",
     .help = "the same, one a line, or JSON; --property counts more"},
    VMF_ARGUMENT_LANGUAGE,
    {.name = "accept-eula",
     VMF_SETS_FLAG(move.install.accept_eula),
     .help = "of a package: accept its licences"},
    {.name = "without-disk",
     VMF_SETS_LISTED(move.without_disks),
     .value = "DISK",
     .help = "leave this disk out of the machine, its data is lost (repeatable)"},
    {.name = "drivers",
     VMF_SETS_TEXT(move.drivers),
     .value = "virtio",
     .help = "with --for: drives and cards get these where the platform has them"},
    {.name = "losses",
     VMF_SETS_TEXT(move.losses),
     .value = "REPORT",
     .help = "write what became of every field of the machine, as JSON"},
    {.name = "strict",
     VMF_SETS_FLAG(move.strict),
     .help = "write nothing where data, or what it boots with, is lost"},
    VMF_GROUP_SIGNING,
    VMF_ARGUMENT_SIGN,
    VMF_ARGUMENT_CERT,
    VMF_ARGUMENT_PASSPHRASE,
    VMF_ARGUMENT_CMS,
    VMF_ARGUMENT_DIGEST,
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    {.letter = 'r',
     .name = "rate-limit",
     VMF_SETS_SIZE(transfer.rate),
     .value = "RATE",
     .help = "no more bytes a second than this (default: no bound)"},
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    VMF_ARGUMENT_VERBOSE,
    VMF_GROUP_QEMU,
    {.letter = 't',
     .name = "target-cache",
     VMF_SETS_CACHE(target.no_sync),
     .value = "MODE",
     .help = "as qemu-img's; only \"unsafe\" means something: --no-sync"},
    VMF_ARGUMENT_SOURCE_CACHE,
    {.letter = 'W',
     .name = "out-of-order",
     .kind = VMF_ARGUMENT_NO_EFFECT,
     .help = "accepted as qemu-img's, no effect"},
    {.name = "target-is-zero",
     VMF_SETS_FLAG(target.is_zero),
     .help = "accepted as qemu-img's with -n, no effect"},
    {.letter = 'C',
     .name = "copy-range-offloading",
     .kind = VMF_ARGUMENT_NO_EFFECT,
     .help = "accepted as qemu-img's: see --reflink"},
    {.letter = 's', .kind = VMF_ARGUMENT_REFUSED, .value = "SNAPSHOT", .help = "use -l"},
    {.name = "bitmaps",
     VMF_SETS_FLAG(target.bitmaps),
     .help = "copy the bitmaps of changed blocks, too (qcow2 to qcow2)"},
    {.name = "skip-broken-bitmaps",
     VMF_SETS_FLAG(target.skip_broken_bitmaps),
     .help = "with --bitmaps: leave inconsistent ones behind"},
    {.name = "target-image-opts",
     .kind = VMF_ARGUMENT_REFUSED,
     .help = "a target is named by its path and -O FORMAT"},
    VMF_ARGUMENT_IMAGE_OPTS,
    VMF_ARGUMENT_OBJECT,
    {0},
};

/* With -f nothing is asked of the sources' content, and so not of the target's. */
static bool convert_is_disk(const struct vmf_convert_settings *settings, const char *path)
{
  struct stat status;

  return vmf_image_recognise(path) ||
         (settings->source.format && stat(path, &status) == 0 && status.st_size > 0);
}

/* What the person asked to be carried over is no loss. */
static void convert_loss(void *data, const struct vmf_package_finding *finding)
{
  struct vmf_convert_settings *settings = data;

  if (!settings->target.bitmaps || strcmp(finding->rule, "loss-bitmaps") != 0)
    vmf_packaging_finding(&settings->command, finding);
}

static enum vmf_code convert_check_settings(const struct vmf_convert_settings *settings,
                                            const char *path, struct vmf_error *error)
{
  /* a source that is not there is told as such, later */
  if ((vmf_packaging_is_target(path) || settings->signing.key || settings->target.disk_format) &&
      access(settings->command.operands[0], F_OK) == 0)
    return vmf_arguments_wrong(error, "%s: one package makes another; \"pack\" makes one of disks",
                               path);
  if (settings->target.is_zero && !settings->target.exists)
    return vmf_arguments_wrong(error, "--target-is-zero is of a target that is there: it needs -n");
  if (settings->target.exists && settings->target.no_clobber)
    return vmf_arguments_wrong(error, "-n replaces what is there, which --no-clobber forbids");
  if (settings->salvage.map && vmf_names_same(settings->salvage.map, path))
    return vmf_arguments_wrong(error, "%s: cannot be the target and the map of --salvage", path);
  if (vmf_convert_check_map(settings->target.map, path, error) != VMF_OK)
    return error->code;
  if (settings->transfer.sparse_size % 512)
    return vmf_arguments_wrong(error, "-S: %llu is not a multiple of 512",
                               (unsigned long long)settings->transfer.sparse_size);
  if (settings->transfer.verify && strcmp(path, "-") == 0)
    return vmf_arguments_wrong(error, "--verify cannot read standard output back");
  if (settings->target.backing && settings->command.operand_count > 2)
    return vmf_arguments_wrong(error, "-B cannot be used with several sources");
  if (!settings->source.join && access(path, F_OK) == 0 &&
      vmf_parts_named(settings->command.operands, (size_t)settings->command.operand_count))
    return vmf_arguments_wrong(error,
                               "%s: is by its name a part of the same file as %s, and the last "
                               "name is the target, which would be replaced; if that is meant, say "
                               "--join",
                               path, settings->command.operands[0]);
  if (settings->command.operand_count > 2 && !settings->source.join &&
      convert_is_disk(settings, path))
    return vmf_arguments_wrong(error,
                               "%s: is a disk, and the last name is the target, which would be "
                               "replaced by all the others joined; if that is meant, say --join",
                               path);
  enum vmf_code code = vmf_transfer_check(&settings->transfer, error);
  if (code == VMF_OK)
    code = vmf_packaging_check(&settings->signing, error);
  return code != VMF_OK ? code
                        : vmf_sources_check_input(&settings->command, &settings->source,
                                                  settings->command.operand_count - 1, error);
}

/* Whether it is written from its first byte to its last. */
static bool convert_is_pipe(const char *path)
{
  struct stat status;

  return strcmp(path, "-") == 0 || (stat(path, &status) == 0 && S_ISFIFO(status.st_mode));
}

/* What is asked for is done by the map of the source, or its partition table, or needs all of it
 * once more, so that a packed file is stored for it. */
static bool convert_looks_into(const struct vmf_convert_settings *settings)
{
  const struct vmf_target_settings *target = &settings->target;
  const char *journal = settings->transfer.journal;

  return target->dry_run || settings->transfer.resume || (journal && strcmp(journal, "off") != 0) ||
         settings->transfer.journal_file ||
         (target->options && strstr(target->options, "sector_size="));
}

/* What comes on a pipe, or can only be unpacked so, is read as it comes, unless the target asks for
 * it twice, or for an order in which it may not come. */
static enum vmf_code convert_input(const struct vmf_convert_settings *settings, const char *path,
                                   bool *assumed, struct vmf_source_input *input,
                                   struct vmf_error *error)
{
  const struct vmf_target_settings *target = &settings->target;
  bool twice = false, any_order = false, pipe = convert_is_pipe(path);
  bool comes = vmf_sources_is_input(settings->command.operands[0]);
  const char *format;

  *input = (struct vmf_source_input){.assumed = assumed, .folder = target->spool, .target = path};
  if (!comes && convert_looks_into(settings))
    return VMF_OK;
  enum vmf_code code = vmf_names_target_format(target->format, path, "-O", &format, error);
  if (code != VMF_OK && !comes)
    return VMF_OK; /* told once the source is open: it may not be there, or be a package */
  if (code == VMF_OK && pipe)
    code = vmf_target_reads_twice(format, target->options, target->compress, &twice, error);
  if (code == VMF_OK && vmf_names_is_replaced(path) && !target->backing && !target->map &&
      !target->since && !vmf_transfer_algorithm(&settings->transfer))
    code = vmf_target_any_order(format, target->options, target->compress, &any_order, error);
  input->in_order = !twice && !settings->salvage.wanted && !settings->resize &&
                    !settings->move_gpt && !settings->move.platform;
  input->any_order = any_order;
  if (target->exists || target->in_place || target->backing || !vmf_names_is_replaced(path))
    input->assumed = NULL; /* what has been written there stays */
  return code;
}

/* With -v: what the source was found to be, down its chain, and what becomes of it. */
static void convert_tell(const struct vmf_convert_settings *settings,
                         const struct vmf_image *source, const char *path, const char *format)
{
  if (!settings->command.verbose)
    return;
  for (const struct vmf_image *image = source; image; image = vmf_image_parent(image))
    vmf_status_say(&settings->command, "%s%s: %s, %" PRIu64 " bytes",
                   image == source ? "" : "made on ", vmf_image_path(image),
                   vmf_image_format(image), vmf_image_size(image));
  vmf_status_say(&settings->command, "%s: is written as %s%s%s", path, format,
                 settings->target.options ? ", " : "",
                 settings->target.options ? settings->target.options : "");
}

static enum vmf_code convert_round(const struct vmf_convert_settings *settings,
                                   struct vmf_image **source, struct vmf_error *error)
{
  struct vmf_profile_info profile = {.size = sizeof profile};
  enum vmf_code code = vmf_profile_find(settings->move.platform, &profile, error);

  return code == VMF_OK ? vmf_profile_round(&profile, source, &settings->command, error) : code;
}

/* --for, before anything is opened. */
static enum vmf_code convert_platform(struct vmf_convert_settings *settings,
                                      struct vmf_error *error)
{
  struct vmf_profile_info profile = {.size = sizeof profile};

  if (!settings->move.platform)
    return VMF_OK;
  if (settings->target.backing || settings->target.exists)
    return vmf_arguments_wrong(error, "--for makes a whole disk: not with -B or -n");
  enum vmf_code code = vmf_profile_find(settings->move.platform, &profile, error);
  return code == VMF_OK ? vmf_profile_apply(&profile, &settings->target, error) : code;
}

/* --resize and --move-gpt, once all is known of the source that it has by itself. */
static enum vmf_code convert_resize(const struct vmf_convert_settings *settings,
                                    struct vmf_image **source, struct vmf_error *error)
{
  const char *text = settings->resize;
  uint64_t size = vmf_image_size(*source), given = 0;
  bool more = text && text[0] == '+';

  if (!text && !settings->move_gpt)
    return settings->move.platform ? convert_round(settings, source, error) : VMF_OK;
  if (settings->target.bitmaps)
    return vmf_arguments_wrong(error, "--bitmaps are of a disk that keeps its size");
  enum vmf_code code = text ? vmf_arguments_size(text + more, "--resize", &given, error) : VMF_OK;
  if (code != VMF_OK)
    return code;
  if (more && given > UINT64_MAX - size)
    return vmf_arguments_wrong(error, "--resize: %s: is too large", text);
  size = more ? size + given : text ? given : size;
  code = vmf_image_resize(source, size, settings->move_gpt || settings->move.platform, error);
  return code == VMF_OK && settings->move.platform ? convert_round(settings, source, error) : code;
}

/* assumed: as in vmf_image_options. */
static enum vmf_code convert_once(struct vmf_convert_settings *settings, bool *assumed,
                                  bool *salvaged, struct vmf_error *error)
{
  const char *format = NULL;
  const char *path = settings->command.operands[settings->command.operand_count - 1];
  struct vmf_image *source = NULL, *backing = NULL;
  const struct vmf_image *opened;
  struct vmf_source_input input;
  struct vmf_salvaging salvaging = {.settings = &settings->salvage, .command = &settings->command};
  char *taken[2] = {NULL, NULL};
  const struct vmf_findings_sink losses = {.finding = convert_loss, .data = settings};
  enum vmf_code code = convert_platform(settings, error);

  if (code == VMF_OK)
    code = vmf_sources_backing(&settings->command, &settings->source, &settings->target, path,
                               taken, &backing, error);

  settings->source.salvage = settings->salvage.wanted;
  settings->transfer.no_reflink |= settings->source.read_all; /* what is shared is not read */
  if (code == VMF_OK)
    code = vmf_names_packed(&settings->target, path, error);
  if (code == VMF_OK)
    code = convert_check_settings(settings, path, error);
  if (code == VMF_OK)
    code = vmf_convert_check_bitmaps(settings, error);
  if (code == VMF_OK)
    code = convert_input(settings, path, assumed, &input, error);
  if (code == VMF_OK)
    code = vmf_sources_join(&settings->command, &settings->source,
                            settings->command.operand_count - 1, &input, &source, error);
  opened = source;
  if (assumed && *assumed)
    vmf_status_hold(&settings->command); /* its size may be wrong */
  if (code == VMF_OK)
    code = vmf_names_target_format(settings->target.format, path, "-O", &format, error);
  if (code == VMF_OK)
    convert_tell(settings, source, path, format);
  if (code == VMF_OK)
    code = vmf_image_losses(source, &losses, error);
  if (code == VMF_OK)
    code = vmf_convert_check_sectors(settings, source, format, error);
  if (code == VMF_OK)
    code = convert_resize(settings, &source, error);
  if (code == VMF_OK && settings->target.exists)
    code = vmf_convert_fit_existing(settings, path, format, &source, error);
  if (code == VMF_OK)
    code = vmf_convert_check_marked(settings, opened, source, error);
  if (code == VMF_OK && settings->salvage.wanted && !settings->target.dry_run)
    code = vmf_salvaging_begin(&salvaging, source, error);
  if (code == VMF_OK) {
    const struct vmf_transfer transfer = {
        .command = &settings->command,
        .target = &settings->target,
        .settings = &settings->transfer,
        .path = path,
        .format = format,
        .guest_size = vmf_image_size(source),
        .source = source,
        .backing = backing,
        .ignore_locks = settings->source.ignore_locks,
        .salvaging = settings->salvage.wanted ? &salvaging : NULL,
    };

    code = vmf_transfer_run(&transfer, error);
    *salvaged = salvaging.lost_bytes > 0;
  }
  vmf_salvaging_free(&salvaging);
  vmf_image_close(source);
  vmf_image_close(backing);
  free(taken[0]);
  free(taken[1]);
  return code;
}

/* Where the size of the source was assumed and anything failed, it may be for that. */
static enum vmf_code convert_with(struct vmf_convert_settings *settings, bool *salvaged,
                                  struct vmf_error *error)
{
  bool assumed = false;
  enum vmf_code code = convert_once(settings, &assumed, salvaged, error);
  bool final = code == VMF_OK || code == VMF_CANCELLED || !assumed;

  vmf_status_release(&settings->command, final);
  if (final)
    return code;
  *error = (struct vmf_error){0};
  return convert_once(settings, NULL, salvaged, error);
}

static enum vmf_code convert_tell_target(const struct vmf_convert_settings *settings,
                                         struct vmf_error *error)
{
  const struct vmf_listener *listener = settings->command.listener;

  return listener && listener->target
             ? listener->target(listener->data,
                                settings->command.operands[settings->command.operand_count - 1],
                                error)
             : VMF_OK;
}

enum vmf_code vmf_convert_do(struct vmf_convert_settings *settings, bool *salvaged,
                             struct vmf_error *error)
{
  bool whole = false;
  enum vmf_code code =
      vmf_names_operands(&settings->command, settings->command.operand_count - 1, 1, error);

  *salvaged = false;
  if (code == VMF_OK)
    code = convert_tell_target(settings, error);
  if (code == VMF_OK)
    code = vmf_convert_whole(settings, &whole, error);
  if (code != VMF_OK || whole)
    return code;
  code = vmf_names_into_folder(&settings->command, settings->target.format, error);
  if (code == VMF_OK)
    code = convert_tell_target(settings, error);
  return code == VMF_OK ? convert_with(settings, salvaged, error) : code;
}

static int convert_run(void *given)
{
  struct vmf_convert_settings *settings = given;
  struct vmf_error error = {0};
  bool salvaged;

  if (vmf_arguments_want_option_help(settings->target.options))
    return vmf_names_option_help(&settings->command, settings->target.format,
                                 settings->command.operand_count - 1, "-O");
  if ((vmf_moving_is_named(settings->target.format, &settings->move) &&
       vmf_names_pipe_target(&settings->command.operands[settings->command.operand_count - 1],
                             &error) != VMF_OK) ||
      vmf_convert_do(settings, &salvaged, &error) != VMF_OK)
    return vmf_status_report(&error);
  return salvaged ? VMF_EXIT_SALVAGED : VMF_EXIT_DONE;
}

static const char *const convert_examples[] = {
    "vmferry convert disk.vmdk disk.qcow2",
    "vmferry convert -c --verify disk.vhd disk.qcow2",
    "vmferry convert appliance.ova moved.ova -O vhd",
    NULL,
};

const struct vmf_verb vmf_verb_convert = {
    .name = "convert",
    .purpose = VMF_PURPOSE_DISKS,
    .operands = "SOURCE... TARGET",
    .summary = "copy a disk or a package into another format",
    .examples = convert_examples,
    .arguments = convert_arguments,
    VMF_STARTS_WITH(convert_initial),
    .min_operands = 2,
    .max_operands = 1 << 16,
    .targets = 1,
    .written = VMF_WRITTEN_LAST,
    .usage_status = VMF_EXIT_OTHER,
    .run = convert_run,
};
