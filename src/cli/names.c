/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "format_options.h"
#include "image_opts.h"
#include "status.h"

/* *place: where a string can be put that lives as long as the command. */
static enum vmf_code place_for_name(struct vmf_command *command, char ***place,
                                    struct vmf_error *error)
{
  size_t count = 0;

  while (command->names && command->names[count])
    count++;
  char **longer = realloc(command->names, (count + 2) * sizeof *longer);
  if (!longer)
    return vmf_arguments_no_memory(error);
  command->names = longer;
  longer[count] = longer[count + 1] = NULL;
  *place = &longer[count];
  return VMF_OK;
}

bool vmf_names_is_url(const char *name)
{
  const char *mark = strstr(name, "://");

  return mark && !memchr(name, '/', (size_t)(mark - name));
}

bool vmf_names_is_export(const char *name)
{
  return vmf_names_is_url(name) && strncasecmp(name, "nbd", 3) == 0;
}

/* A descriptor's name may be that of a regular file, which is written from where it stands. */
bool vmf_names_is_replaced(const char *name)
{
  struct stat status;

  return strcmp(name, "-") != 0 && !vmf_names_is_url(name) && strncmp(name, "/dev/", 5) != 0 &&
         strncmp(name, "/proc/", 6) != 0 && (stat(name, &status) < 0 || S_ISREG(status.st_mode));
}

enum vmf_code vmf_names_resolve(struct vmf_command *command, const char **name, bool source,
                                struct vmf_error *error)
{
  char **plain = NULL;

  if (!*name)
    return VMF_OK;
  enum vmf_code code = place_for_name(command, &plain, error);
  if (code == VMF_OK)
    code = vmf_location_resolve(*name, source, plain, error);
  if (code == VMF_OK)
    *name = *plain;
  return code;
}

enum vmf_code vmf_names_by_options(struct vmf_command *command, int sources,
                                   struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (int i = 0; command->image_opts && i < sources && code == VMF_OK; i++) {
    char **name = NULL;

    code = place_for_name(command, &name, error);
    if (code == VMF_OK)
      code = vmf_image_opts_name(command, command->operands[i], name, error);
    if (code == VMF_OK)
      command->operands[i] = *name;
  }
  return code;
}

/* The N of "/dev/fd/N", which is a pipe; or -1. */
static int pipe_number(const char *name)
{
  struct stat status;
  int number;
  char behind;

  return sscanf(name, "/dev/fd/%9d%c", &number, &behind) == 1 && number > STDERR_FILENO &&
                 fstat(number, &status) == 0 && S_ISFIFO(status.st_mode)
             ? number
             : -1;
}

/* The path of the file that was redirected to standard input, from its beginning on: *path is a
 * fresh string, or NULL. */
static enum vmf_code redirected(char **path, struct vmf_error *error)
{
  struct stat file, there;

  *path = NULL;
  if (fstat(STDIN_FILENO, &file) != 0 || !S_ISREG(file.st_mode) ||
      lseek(STDIN_FILENO, 0, SEEK_CUR) != 0)
    return VMF_OK;
  char *found = malloc(PATH_MAX);
  if (!found)
    return vmf_arguments_no_memory(error);
  ssize_t length = readlink("/proc/self/fd/0", found, PATH_MAX - 1);
  found[length < 0 ? 0 : length] = '\0';
  if (stat(found, &there) != 0 || there.st_dev != file.st_dev || there.st_ino != file.st_ino) {
    free(found);
    return VMF_OK;
  }
  *path = found;
  return VMF_OK;
}

enum vmf_code vmf_names_redirected(struct vmf_command *command, int sources,
                                   struct vmf_error *error)
{
  char **path = NULL;

  for (int i = 0; i < sources; i++) {
    if (strcmp(command->operands[i], "-") != 0)
      continue;
    enum vmf_code code = place_for_name(command, &path, error);
    if (code == VMF_OK)
      code = redirected(path, error);
    command->redirected = code == VMF_OK ? *path : NULL;
    return code;
  }
  return VMF_OK;
}

void vmf_names_recognised(struct vmf_command *command, int sources)
{
  const char *path = command->redirected;

  for (int i = 0; path && i < sources && i < command->operand_count; i++)
    if (strcmp(command->operands[i], "-") == 0 &&
        (vmf_package_recognise(path) || vmf_machines_recognise(path)))
      command->operands[i] = path;
}

enum vmf_code vmf_names_pipes(struct vmf_command *command, int sources, struct vmf_error *error)
{
  const char *input = NULL;

  for (int i = 0; i < sources; i++) {
    int number = pipe_number(command->operands[i]);

    if (number < 0 && strcmp(command->operands[i], "-") != 0)
      continue;
    if (input && (number >= 0 || strcmp(input, "-") != 0))
      return vmf_arguments_wrong(error, "%s: is a pipe, and so is %s: one can be read at a time",
                                 command->operands[i], input);
    input = command->operands[i];
    if (number >= 0 && dup2(number, STDIN_FILENO) < 0)
      return vmf_arguments_wrong(error, "%s: %s", input, strerror(errno));
    command->operands[i] = "-";
  }
  return VMF_OK;
}

const char *vmf_names_last(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

char *vmf_names_folder(const char *path)
{
  const char *name = vmf_names_last(path);

  if (name == path)
    return strdup(".");
  return strndup(path, name == path + 1 ? 1 : (size_t)(name - 1 - path));
}

char *vmf_names_beside(const char *target, const char *name)
{
  const char *last = vmf_names_last(target);
  struct stat there;
  bool inside = *last && stat(target, &there) == 0 && S_ISDIR(there.st_mode);
  char *path;

  if (name[0] == '/')
    return strdup(name);
  if (asprintf(&path, "%.*s%s%s", inside ? (int)strlen(target) : (int)(last - target), target,
               inside ? "/" : "", name) < 0)
    return NULL;
  return path;
}

static bool is_one_file(const char *one, const char *other)
{
  struct stat first, second;

  return one && other && stat(one, &first) == 0 && stat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool vmf_names_same(const char *one, const char *other)
{
  if (strcmp(one, other) == 0 || is_one_file(one, other))
    return true;
  if (strcmp(vmf_names_last(one), vmf_names_last(other)) != 0 || vmf_names_is_url(one) ||
      vmf_names_is_url(other))
    return false;
  char *above = vmf_names_folder(one), *other_above = vmf_names_folder(other);
  bool same = is_one_file(above, other_above);

  free(above);
  free(other_above);
  return same;
}

/* As far as the next character of the mark: what "*" stands for is read over. */
static bool takes_mark(FILE *file, char mark)
{
  int found = getc(file);

  while (mark == '*' && found != EOF && found != '\n')
    found = getc(file);
  return found == (mark == '*' ? '\n' : (unsigned char)mark);
}

bool vmf_names_free_for(const char *path, const char *mark)
{
  struct stat there;

  if (stat(path, &there) != 0 || (S_ISREG(there.st_mode) && there.st_size == 0))
    return true;
  if (!S_ISREG(there.st_mode))
    return !S_ISBLK(there.st_mode);
  FILE *file = fopen(path, "re");
  while (file && *mark && takes_mark(file, *mark))
    mark++;
  if (file)
    fclose(file);
  return file && !*mark;
}

enum vmf_code vmf_names_pipe_target(const char **name, struct vmf_error *error)
{
  int number = *name ? pipe_number(*name) : -1;

  if (number < 0)
    return VMF_OK;
  if (dup2(number, STDOUT_FILENO) < 0)
    return vmf_arguments_wrong(error, "%s: %s", *name, strerror(errno));
  close(number); /* so that its reader sees the end */
  *name = "-";
  return VMF_OK;
}

enum vmf_code vmf_names_operands(struct vmf_command *command, int sources, int targets,
                                 struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (int i = 0; i < sources + targets && code == VMF_OK; i++)
    code = vmf_names_resolve(command, &command->operands[i],
                             i < sources || vmf_names_is_export(command->operands[i]), error);
  return code;
}

enum vmf_code vmf_names_after(const char *source, const char *folder, const char *suffix,
                              char **path, struct vmf_error *error)
{
  const char *member = access(source, F_OK) == 0 ? NULL : strstr(source, "::");
  const char *disk = member && member[2] ? member + 2 : source;

  *path = NULL;
  disk = vmf_names_last(disk);
  const char *dot = strrchr(disk, '.');
  int length = dot && dot > disk ? (int)(dot - disk) : (int)strlen(disk);
  if (length == 0 || strspn(disk, ".") == (size_t)length || strcmp(source, "-") == 0)
    return vmf_arguments_wrong(error, "%s: gives the target no name; name the file itself", source);
  /* a colon in the file's name is no protocol */
  if (asprintf(path, "%s%.*s.%s",
               *folder             ? folder
               : strchr(disk, ':') ? "./"
                                   : "",
               length, disk, suffix) < 0) {
    *path = NULL;
    return vmf_arguments_no_memory(error);
  }
  return VMF_OK;
}

/* The suffix of a format's files; a name that no format has stays, to be refused later. */
static const char *suffix_of(const char *format)
{
  struct vmf_format_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_format_describe(i, &info); i++) {
    bool found = strcasecmp(info.name, format) == 0;
    for (const char *const *alias = info.aliases; alias && *alias && !found; alias++)
      found = strcasecmp(*alias, format) == 0;
    if (found && info.suffixes && info.suffixes[0])
      return info.suffixes[0];
  }
  return format;
}

enum vmf_code vmf_names_into_folder(struct vmf_command *command, const char *format,
                                    struct vmf_error *error)
{
  const char **target = &command->operands[command->operand_count - 1];
  bool ends = (*target)[0] != '\0' && (*target)[strlen(*target) - 1] == '/';
  struct stat status;
  char *folder, **path = NULL;

  if (strcmp(*target, "-") == 0 ||
      (!ends && (stat(*target, &status) < 0 || !S_ISDIR(status.st_mode))))
    return VMF_OK;
  if (command->operand_count > 2)
    return vmf_arguments_wrong(error,
                               "%s: is a folder, and several sources become one disk: name its "
                               "file; disks of their own are converted by a command for each",
                               *target);
  if (asprintf(&folder, "%s%s", *target, ends ? "" : "/") < 0)
    return vmf_arguments_no_memory(error);
  enum vmf_code code = place_for_name(command, &path, error);
  if (code == VMF_OK)
    code = vmf_names_after(command->operands[0], folder, suffix_of(format ? format : "raw"), path,
                           error);
  if (code == VMF_OK)
    *target = *path;
  free(folder);
  return code;
}

/* What -o has for a name like "disk.raw.xz" or "image.tar.gz"; NULL: its suffix is another, or not
 * that of a packed raw disk. */
static const char *packing_by_name(const char *path)
{
  static const char *const packings[][2] = {{".gz", "compress=gz"},
                                            {".xz", "compress=xz"},
                                            {".zst", "compress=zst"},
                                            {".zstd", "compress=zst"},
                                            {".lz4", "compress=lz4"}};
  static const char archive[] = ".tar.gz";
  const char *dot = strrchr(path, '.');
  size_t length = strlen(path), tail = sizeof archive - 1;

  if (length > tail && path[length - tail - 1] != '/' &&
      strcasecmp(path + length - tail, archive) == 0)
    return "archive=gce";
  for (size_t i = 0; dot && i < sizeof(packings) / sizeof(packings[0]); i++) {
    if (strcasecmp(dot, packings[i][0]) != 0)
      continue;
    char *inner = strndup(path, (size_t)(dot - path));
    const char *format = inner ? vmf_format_by_suffix(inner) : NULL;
    bool raw = format && strcmp(format, "raw") == 0;
    free(inner);
    return raw ? packings[i][1] : NULL;
  }
  return NULL;
}

/* Whether -o has compress= or archive=. */
static bool asks_for_packing(const char *options)
{
  static const char *const names[] = {"compress=", "archive="};

  for (const char *at = options; at && *at;) {
    size_t length = vmf_arguments_option_length(at);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
      if (strncmp(at, names[i], strlen(names[i])) == 0)
        return true;
    at += length + (at[length] == ',');
  }
  return false;
}

enum vmf_code vmf_names_packed(struct vmf_target_settings *target, const char *path,
                               struct vmf_error *error)
{
  const char *packing = packing_by_name(path);
  char *options;

  if (!packing || (target->format && strcasecmp(target->format, "raw") != 0) ||
      asks_for_packing(target->options))
    return VMF_OK;
  if (asprintf(&options, "%s%s%s", target->options ? target->options : "",
               target->options ? "," : "", packing) < 0)
    return vmf_arguments_no_memory(error);
  free(target->options);
  target->options = options;
  target->format = "raw";
  return VMF_OK;
}

/* "*.raw, *.qcow2": the first suffix of each format that is written. */
static void list_suffixes(char *text, size_t size)
{
  struct vmf_format_info info = {.size = sizeof info};
  size_t used = 0;

  text[0] = 0;
  for (size_t i = 0; vmf_format_describe(i, &info) && used < size; i++)
    if (info.writable)
      used +=
          (size_t)snprintf(text + used, size - used, "%s*.%s", used ? ", " : "", info.suffixes[0]);
}

/* A suffix with a slip of the finger; what is as short as "vda" may be meant. */
static const char *suffix_meant(const char *path)
{
  struct vmf_format_info info = {.size = sizeof info};
  const char *dot = path ? strrchr(path, '.') : NULL;

  for (size_t i = 0; dot && !strchr(dot, '/') && vmf_format_describe(i, &info); i++)
    for (size_t j = 0; info.writable && info.suffixes[j]; j++)
      if (strlen(info.suffixes[j]) > 3 && vmf_word_similar(dot + 1, info.suffixes[j]))
        return info.suffixes[j];
  return NULL;
}

enum vmf_code vmf_names_target_format(const char *asked, const char *path, const char *insist,
                                      const char **format, struct vmf_error *error)
{
  const char *by_suffix = path ? vmf_format_by_suffix(path) : NULL;
  const char *meaning = path ? vmf_suffix_meaning(path) : NULL;
  char written[200];

  *format = asked ? asked : by_suffix ? by_suffix : "raw";
  if (asked || by_suffix)
    return VMF_OK;
  if (!meaning && suffix_meant(path))
    return vmf_arguments_wrong(error,
                               "%s: the suffix %s is that of no format; did you mean .%s? %s raw "
                               "writes a raw disk under this name",
                               path, strrchr(path, '.'), suffix_meant(path), insist);
  if (!meaning)
    return VMF_OK;
  list_suffixes(written, sizeof written);
  return vmf_arguments_wrong(error,
                             "%s: the suffix %s is that of %s, which is not what would be written; "
                             "expected %s (of a package also *.ova, *.ovf), or %s FORMAT to write "
                             "it under this name",
                             path, strrchr(path, '.'), meaning, written, insist);
}

int vmf_names_option_help(const struct vmf_command *command, const char *asked, int target,
                          const char *insist)
{
  const char *path =
      target >= 0 && target < command->operand_count ? command->operands[target] : NULL;
  struct vmf_error error = {0};
  const char *format;

  if (vmf_names_target_format(asked, path, insist, &format, &error) != VMF_OK)
    return vmf_status_report(&error);
  return vmf_format_options_print(format);
}
