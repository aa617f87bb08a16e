/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Jobs for all files that match a pattern. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "job_list.h"
#include "memory_text.h"

/* What stands for a word in braces; `length` bytes of it. NULL: there is no such word. */
static const char *meaning(const char *word, size_t word_length, const char *path, size_t *length)
{
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');

  if (word_length == 4 && strncmp(word, "name", 4) == 0) {
    *length = strlen(name);
    return name;
  }
  if (word_length == 4 && strncmp(word, "stem", 4) == 0) {
    *length = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    return name;
  }
  if (word_length != 3 || strncmp(word, "dir", 3) != 0)
    return NULL;
  *length = !slash || slash == path ? 1 : (size_t)(slash - path);
  return slash ? path : ".";
}

/* The target's name for one file: a fresh string. */
static enum vmf_code fill_in(const char *target, const char *path, char **filled,
                             struct vmf_error *error)
{
  size_t size, length;
  FILE *out = open_memstream(filled, &size);
  enum vmf_code code = out ? VMF_OK : vmf_arguments_no_memory(error);

  while (code == VMF_OK && *target) {
    const char *close = *target == '{' ? strchr(target, '}') : NULL;
    const char *text =
        close ? meaning(target + 1, (size_t)(close - target - 1), path, &length) : NULL;

    if (*target == '{' && !text)
      code = vmf_arguments_wrong(error, "--to: \"%s\" is none of {name}, {stem} and {dir}", target);
    else if (text)
      fwrite(text, 1, length, out);
    else
      fputc(*target, out);
    target = text ? close + 1 : target + 1;
  }
  if (out && !vmf_memory_text_end(out, filled) && code == VMF_OK)
    code = vmf_arguments_no_memory(error);
  return code;
}

static enum vmf_code add_match(struct vmf_job_list *list, const char *path, const char *target,
                               struct vmf_error *error)
{
  struct vmf_listed_job *job;
  char *filled = NULL;
  enum vmf_code code = vmf_job_list_add(list, (unsigned)list->count + 1, &job, error);

  if (code == VMF_OK)
    code = vmf_words_add(&job->operands, path, strlen(path), error);
  if (code == VMF_OK)
    code = fill_in(target, path, &filled, error);
  if (code == VMF_OK)
    code = vmf_words_add(&job->operands, filled, strlen(filled), error);
  free(filled);
  return code;
}

/* A folder that is there takes any number of files. */
static bool is_folder(const char *path)
{
  struct stat there;
  return stat(path, &there) == 0 && S_ISDIR(there.st_mode);
}

enum vmf_code vmf_job_list_match(struct vmf_job_list *list, const char *target,
                                 struct vmf_error *error)
{
  glob_t found = {0};
  int failure = glob(list->name, GLOB_ERR, NULL, &found);
  enum vmf_code code = VMF_OK;

  if (failure == GLOB_NOSPACE)
    code = vmf_arguments_no_memory(error);
  else if (failure == GLOB_ABORTED)
    code = vmf_arguments_wrong(error, "--each: %s: a folder cannot be read", list->name);
  else if (failure == GLOB_NOMATCH)
    code = vmf_arguments_wrong(error, "--each: %s: no file matches", list->name);
  else if (found.gl_pathc > 1 && !strchr(target, '{') && !is_folder(target))
    code =
        vmf_arguments_wrong(error,
                            "--to: \"%s\" is one name for %zu files; {stem} in it is the name of "
                            "each without its suffix: --to '%s%s{stem}.qcow2'",
                            target, (size_t)found.gl_pathc, target,
                            target[0] && target[strlen(target) - 1] == '/' ? "" : "/");
  for (size_t i = 0; i < found.gl_pathc && code == VMF_OK; i++)
    code = add_match(list, found.gl_pathv[i], target, error);
  globfree(&found);
  return code;
}
