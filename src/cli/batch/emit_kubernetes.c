/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "batch_emit.h"
#include "characters.h"

/* What is between the quotes of a text in YAML. dollar: how a '$' is written. False: it is no
 * UTF-8. */
static bool print_part(FILE *out, const char *text, const char *dollar)
{
  while (*text) {
    uint32_t point;
    unsigned length = vmf_character_decode(text, &point);

    if (length == 0)
      return false;
    if (point == '$')
      fputs(dollar, out);
    else if (point == '"' || point == '\\')
      fprintf(out, "\\%c", (char)point);
    else if (!vmf_character_visible(point))
      fprintf(out, "\\U%08lX", (unsigned long)point);
    else
      fwrite(text, 1, length, out);
    text += length;
  }
  return true;
}

/* A word of the command, in which Kubernetes takes "$(NAME)" for a variable and "$$" for a '$': a
 * name between two texts. */
static bool print_word(FILE *out, const char *text, const char *name, const char *behind)
{
  fprintf(out, "        - \"%s", text);
  bool good = print_part(out, name, "$$");
  fprintf(out, "%s\"\n", behind);
  return good;
}

static bool print_command(FILE *out, const struct vmf_emitting *emitting)
{
  char share[48];
  bool good = print_word(out, "", emitting->reports, "");

  fputs("        - \"vmferry\"\n        - \"batch\"\n", out);
  for (size_t i = 0; i < emitting->carried.count; i++)
    good &= print_word(out, "", emitting->carried.list[i], "");
  snprintf(share, sizeof share, "/%zu", emitting->tasks);
  fprintf(out, "        - \"--%s=$(JOB_COMPLETION_INDEX)%s\"\n",
          emitting->shared ? "task" : "index", emitting->shared ? share : "");
  good &= print_word(out, "--resume=", emitting->reports, "/$(JOB_COMPLETION_INDEX).done");
  good &= print_word(out, "--report=", emitting->reports, "/$(JOB_COMPLETION_INDEX).json");
  fputs("        - \"--\"\n", out);
  return print_word(out, emitting->list[0] == '-' ? "./" : "", emitting->list, "") && good;
}

static const char head[] =
    "# Set the image to one that has vmferry, and the claim to the volume that holds the list and\n"
    "# the disks, which is mounted where the list was made. What is done is not done again.\n"
    "apiVersion: batch/v1\n"
    "kind: Job\n"
    "metadata:\n"
    "  name: vmferry\n"
    "spec:\n"
    "  completionMode: Indexed\n"
    "  completions: %zu\n"
    "  parallelism: %u\n"
    "  backoffLimitPerIndex: 5\n"
    "  maxFailedIndexes: %zu\n"
    "  podFailurePolicy:\n"
    "    rules:\n"
    "    - action: Ignore\n"
    "      onPodConditions:\n"
    "      - type: DisruptionTarget\n"
    "    - action: Count\n"
    "      onExitCodes:\n"
    "        containerName: vmferry\n"
    "        operator: In\n"
    "        values: [75, 137, 143] # another time it may go well; killed; stopped\n"
    "    - action: FailIndex\n"
    "      onExitCodes:\n"
    "        containerName: vmferry\n"
    "        operator: NotIn\n"
    "        values: [75, 137, 143]\n"
    "  template:\n"
    "    spec:\n"
    "      restartPolicy: Never\n"
    "      terminationGracePeriodSeconds: 120\n"
    "      securityContext:\n"
    "        runAsNonRoot: true\n"
    "        runAsUser: 1000\n"
    "        fsGroup: 1000\n"
    "      containers:\n"
    "      - name: vmferry\n"
    "        image: vmferry:%s\n"
    "        securityContext:\n"
    "          allowPrivilegeEscalation: false\n"
    "          readOnlyRootFilesystem: true\n"
    "        command:\n"
    "        - \"sh\"\n"
    "        - \"-c\"\n"
    "        - 'mkdir -p -- \"$1\" && shift && exec \"$@\"'\n"
    "        - \"sh\"\n";

enum vmf_code vmf_emit_kubernetes(const struct vmf_emitting *emitting, FILE *out,
                                  struct vmf_error *error)
{
  if (strchr(emitting->folder, ':'))
    return vmf_arguments_wrong(error,
                               "--emit=k8s: %s: a colon cannot stand in the name of a folder "
                               "that Kubernetes mounts",
                               emitting->folder);
  fprintf(out, head, emitting->tasks, emitting->at_once, emitting->tasks, vmf_version());
  bool good = print_command(out, emitting);
  fputs("        workingDir: \"", out);
  good &= print_part(out, emitting->folder, "$");
  fputs("\"\n        volumeMounts:\n        - name: data\n          mountPath: \"", out);
  good &= print_part(out, emitting->folder, "$");
  fputs("\"\n      volumes:\n      - name: data\n        persistentVolumeClaim:\n"
        "          claimName: vmferry-data\n",
        out);
  return good
             ? VMF_OK
             : vmf_arguments_wrong(error, "--emit=k8s: a name or an option is no UTF-8, which YAML "
                                          "cannot hold");
}
