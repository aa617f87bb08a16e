/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Names in a script are the list's, those of folders and of options: what of them would mean
 * something there is quoted, whatever it is. */
#include "batch_emit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "memory_text.h"

/* ---- quoting ---- */

/* A word of a POSIX shell: all of it between quotes, but for quotes. dollar: how a '$' is written.
 */
static void print_word(FILE *out, const char *text, const char *dollar)
{
  fputc('\'', out);
  for (; *text; text++)
    if (*text == '\'')
      fputs("'\\''", out);
    else if (*text == '$')
      fputs(dollar, out);
    else
      fputc(*text, out);
  fputc('\'', out);
}

/* Behind "./" a name that begins with '-' is no option, and one with ':' no protocol. */
static const char *plain_prefix(const char *name)
{
  return name[0] == '-' || name[strcspn(name, "/:")] == ':' ? "./" : "";
}

/* The command of one task, whose number the shell knows as `number`. */
static void print_command(FILE *out, const struct vmf_emitting *emitting, const char *program,
                          const char *number, const char *dollar)
{
  char *list = NULL;

  fprintf(out, "%s batch", program);
  for (size_t i = 0; i < emitting->carried.count; i++) {
    fputc(' ', out);
    print_word(out, emitting->carried.list[i], dollar);
  }
  if (emitting->shared)
    fprintf(out, " --task=%s/%zu", number, emitting->tasks);
  else
    fprintf(out, " --index=%s", number);
  fputs(" --resume=", out);
  print_word(out, emitting->reports, dollar);
  fprintf(out, "/%s.done --report=", number);
  print_word(out, emitting->reports, dollar);
  fprintf(out, "/%s.json -- ", number);
  if (asprintf(&list, "%s%s", plain_prefix(emitting->list), emitting->list) >= 0)
    print_word(out, list, dollar);
  free(list);
}

static void print_folders(FILE *out, const struct vmf_emitting *emitting, const char *dollar)
{
  fputs("cd -- ", out);
  print_word(out, emitting->folder, dollar);
  fputs(" && mkdir -p -- ", out);
  print_word(out, emitting->reports, dollar);
}

/* ---- Slurm ---- */

static enum vmf_code emit_slurm(const struct vmf_emitting *emitting, FILE *out,
                                struct vmf_error *error)
{
  (void)error;
  fprintf(out,
          "#!/bin/bash\n"
          "#SBATCH --job-name=vmferry\n"
          "#SBATCH --array=0-%zu%%%u\n"
          "#SBATCH --requeue\n"
          "#SBATCH --signal=B:TERM@60\n"
          "#SBATCH --open-mode=append\n"
          "#SBATCH --output=vmferry-%%A_%%a.log\n"
          "# sbatch takes --time, --mem and --cpus-per-task beside the name of this file. What is\n"
          "# done is not done again: submitted once more, it does the rest.\n",
          emitting->tasks - 1, emitting->at_once);
  print_folders(out, emitting, "$");
  fputs(" || exit\n"
        "stopped=\n"
        "trap 'stopped=1; kill -TERM \"$!\"' TERM\n",
        out);
  print_command(out, emitting, "\"${VMFERRY:-vmferry}\"", "\"$SLURM_ARRAY_TASK_ID\"", "$");
  fputs(" &\n"
        "wait \"$!\"\n"
        "status=$?\n"
        "while [ \"$stopped\" ]; do # the signal ended the wait, not the task\n"
        "  stopped=\n"
        "  wait \"$!\"\n"
        "  status=$?\n"
        "done\n"
        "# 75: another time it may go well, or its time was up; what was cancelled does not run.\n"
        "id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n"
        "if [ \"$status\" = 75 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt 5 ] &&\n"
        "  [ \"$(squeue --noheader --jobs=\"$id\" --format=%T)\" = RUNNING ]; then\n"
        "  scontrol requeue \"$id\"\n"
        "fi\n"
        "exit \"$status\"\n",
        out);
  return VMF_OK;
}

/* ---- GNU parallel ---- */

/* Its template would mean something by braces, so names are in what it reads: a command a task. */
static enum vmf_code emit_parallel(const struct vmf_emitting *emitting, FILE *out,
                                   struct vmf_error *error)
{
  char *script = NULL, *word = NULL;
  size_t length;
  FILE *inner = open_memstream(&script, &length);

  if (!inner)
    return vmf_arguments_no_memory(error);
  print_folders(inner, emitting, "$");
  fputs(" && exec ", inner);
  print_command(inner, emitting, "\"${VMFERRY:-vmferry}\"", "\"$1\"", "$");
  if (!vmf_memory_text_end(inner, &script) || !(inner = open_memstream(&word, &length))) {
    free(script);
    return vmf_arguments_no_memory(error);
  }
  print_word(inner, script, "$");
  free(script);
  if (!vmf_memory_text_end(inner, &word))
    return vmf_arguments_no_memory(error);
  fputs("#!/bin/sh\n"
        "# Options of GNU parallel may stand behind the name of this file: --sshlogin HOST, ... "
        "What\n"
        "# is done is not done again: started once more, it does the rest.\n"
        "command=",
        out);
  print_word(out, word, "$");
  free(word);
  fprintf(out,
          "\nPARALLEL_SHELL=/bin/sh\nexport PARALLEL_SHELL\n"
          "task=0\n"
          "while [ \"$task\" -lt %zu ]; do\n"
          "  printf 'sh -c %%s vmferry %%d\\0' \"$command\" \"$task\"\n"
          "  task=$((task + 1))\n"
          "done | parallel -0 -j %u \"$@\"\n"
          "cd -- ",
          emitting->tasks, emitting->at_once);
  print_word(out, emitting->folder, "$");
  fputs(" && exec \"${VMFERRY:-vmferry}\" report -- ", out);
  print_word(out, emitting->reports, "$");
  fputc('\n', out);
  return VMF_OK;
}

/* ---- make ---- */

static enum vmf_code emit_make(const struct vmf_emitting *emitting, FILE *out,
                               struct vmf_error *error)
{
  bool lines = strchr(emitting->folder, '\n') || strchr(emitting->list, '\n');

  for (size_t i = 0; i < emitting->carried.count; i++)
    lines |= strchr(emitting->carried.list[i], '\n') != NULL;
  if (lines)
    return vmf_arguments_wrong(error, "--emit=make: a name or an option has more than one line, "
                                      "which no Makefile can hold");
  fprintf(out,
          "# make -k -j %u -f FILE: all tasks; then make -f FILE report. What is done is not done\n"
          "# again.\n"
          "VMFERRY ?= vmferry\n"
          "SHELL := /bin/sh\n"
          "TASKS := $(addprefix task-,$(shell seq 0 %zu))\n"
          ".PHONY: all report $(TASKS)\n"
          "all: $(TASKS)\n"
          "$(TASKS): task-%%:\n"
          "\t@",
          emitting->at_once, emitting->tasks - 1);
  print_folders(out, emitting, "$$");
  fputs(" && exec $(VMFERRY)", out);
  print_command(out, emitting, "", "$*", "$$");
  fputs("\nreport:\n\t@cd -- ", out);
  print_word(out, emitting->folder, "$$");
  fputs(" && exec $(VMFERRY) report -- ", out);
  print_word(out, emitting->reports, "$$");
  fputc('\n', out);
  return VMF_OK;
}

/* ---- all of them ---- */

static const struct scheduler {
  const char *name;
  size_t most; /* tasks */
  bool here;
  enum vmf_code (*emit)(const struct vmf_emitting *emitting, FILE *out, struct vmf_error *error);
} schedulers[] = {{"slurm", 1000 /* MaxArraySize, unless it was set */, true, emit_slurm},
                  {"k8s", 10000, false, vmf_emit_kubernetes},
                  {"parallel", SIZE_MAX, true, emit_parallel},
                  {"make", SIZE_MAX, true, emit_make}};

static const struct scheduler *scheduler_of(const struct vmf_batch_settings *settings)
{
  for (size_t i = 0; i < sizeof schedulers / sizeof schedulers[0]; i++)
    if (strcmp(schedulers[i].name, settings->emit) == 0)
      return &schedulers[i];
  return NULL;
}

bool vmf_batch_emit_is_here(const struct vmf_batch_settings *settings)
{
  return scheduler_of(settings)->here;
}

enum vmf_code vmf_batch_emit_check(const struct vmf_batch_settings *settings,
                                   struct vmf_error *error)
{
  const char *other = settings->task        ? "--task"
                      : settings->index     ? "--index"
                      : settings->fail_fast ? "--fail-fast"
                      : settings->resume    ? "--resume"
                      : settings->dry_run   ? "--dry-run"
                      : settings->reports   ? "--report"
                                            : NULL;

  if (!scheduler_of(settings))
    return vmf_arguments_wrong(error, "--emit: \"%s\" is none of: slurm, k8s, parallel, make",
                               settings->emit);
  if (other)
    return vmf_arguments_wrong(error, "--emit: not with %s, which the script says for each task",
                               other);
  if (settings->command.secret_descriptor)
    return vmf_arguments_wrong(error, "--emit: tasks do not have this descriptor: --secret-file "
                                      "names a file that they read (not --secret-fd)");
  if (settings->each || settings->command.operand_count != 1 ||
      strcmp(settings->command.operands[0], "-") == 0)
    return vmf_arguments_wrong(error, "--emit needs a list in a file, which all tasks read");
  return VMF_OK;
}

/* ---- what the tasks get ---- */

/* What the script says itself, or what is not of a task. */
static bool is_carried(const char *name)
{
  static const char *const others[] = {"emit",    "each",      "to",      "task",
                                       "index",   "jobs",      "report",  "resume",
                                       "dry-run", "fail-fast", "progress"};

  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (strcmp(others[i], name) == 0)
      return false;
  return true;
}

static enum vmf_code carry(struct vmf_words *words, const char *name, const char *value,
                           struct vmf_error *error)
{
  char *word = NULL;
  int length = asprintf(&word, "--%s%s%s", name, value ? "=" : "", value ? value : "");

  if (length < 0)
    return vmf_arguments_no_memory(error);
  enum vmf_code code = vmf_words_add(words, word, (size_t)length, error);
  free(word);
  return code;
}

static enum vmf_code carry_row(struct vmf_words *words, const struct vmf_argument *row,
                               const void *field, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  char number[24];

  if (row->kind == VMF_ARGUMENT_FLAG && *(const bool *)field)
    code = carry(words, row->name, NULL, error);
  if (row->kind == VMF_ARGUMENT_TEXT && *(const char *const *)field)
    code = carry(words, row->name, *(const char *const *)field, error);
  if (row->kind == VMF_ARGUMENT_NUMBER && *(const uint64_t *)field > 0) {
    snprintf(number, sizeof number, "%llu", (unsigned long long)*(const uint64_t *)field);
    code = carry(words, row->name, number, error);
  }
  const char *const *list =
      row->kind == VMF_ARGUMENT_LISTED ? *(const char *const *const *)field : NULL;
  for (; list && *list && code == VMF_OK; list++)
    code = carry(words, row->name, *list, error);
  return code;
}

/* Nothing, where something cannot be said. */
static enum vmf_code print_whole(const struct scheduler *scheduler,
                                 const struct vmf_emitting *emitting, FILE *out,
                                 struct vmf_error *error)
{
  char *text = NULL;
  size_t length;
  FILE *whole = open_memstream(&text, &length);

  if (!whole)
    return vmf_arguments_no_memory(error);
  enum vmf_code code = scheduler->emit(emitting, whole, error);
  if (!vmf_memory_text_end(whole, &text) && code == VMF_OK)
    code = vmf_arguments_no_memory(error);
  if (code == VMF_OK)
    fwrite(text, 1, length, out);
  free(text);
  return code;
}

enum vmf_code vmf_batch_emit(const struct vmf_batch_settings *settings, unsigned at_once, FILE *out,
                             struct vmf_error *error)
{
  const struct scheduler *scheduler = scheduler_of(settings);
  size_t count = settings->list.count;
  struct vmf_emitting emitting = {.folder = get_current_dir_name(),
                                  .list = settings->list.name,
                                  .tasks = count < scheduler->most ? count : scheduler->most,
                                  .shared = count > scheduler->most,
                                  .at_once = at_once};
  enum vmf_code code = VMF_OK;

  if (!emitting.folder ||
      asprintf(&emitting.reports, "%s%s.tasks", plain_prefix(emitting.list), emitting.list) < 0) {
    free(emitting.folder);
    return vmf_arguments_no_memory(error);
  }
  for (const struct vmf_argument *row = vmf_verb_batch.arguments; row->kind && code == VMF_OK;
       row++)
    if (row->name && row->field && is_carried(row->name))
      code = carry_row(&emitting.carried, row, (const char *)settings + row->field, error);
  if (code == VMF_OK)
    code = print_whole(scheduler, &emitting, out, error);
  vmf_words_free(&emitting.carried);
  free(emitting.folder);
  free(emitting.reports);
  return code;
}
