/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "account.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "checksum_list.h"
#include "human.h"
#include "json.h"
#include "listener.h"
#include "status.h"

/* As people write a format's name. */
static const char *format_title(const char *format)
{
  static const char *const titles[][2] = {
      {"qcow2", "QCOW2"}, {"vmdk", "VMDK"}, {"vpc", "VHD"}, {"vhdx", "VHDX"}, {"vdi", "VDI"},
      {"ova", "OVA"},     {"ovf", "OVF"},   {"vmx", "VMX"}, {"xapi", "XVA"},  {"vma", "VMA"}};

  for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
    if (strcmp(titles[i][0], format) == 0)
      return titles[i][1];
  return format;
}

/* ", 3.1 GiB written, 12 s (265 MiB/s)" and the end of the line. */
static void print_written(uint64_t bytes, uint64_t milliseconds)
{
  char written[16], rate[16];
  double seconds = (double)milliseconds / 1000;

  vmf_human_size(bytes, written);
  vmf_human_size(seconds > 0 ? (uint64_t)((double)bytes / seconds) : 0, rate);
  fprintf(stderr, ", %s written, %.*f s (%s/s)\n", written, seconds < 10 ? 1 : 0, seconds, rate);
}

static bool wants_line(const struct vmf_command *command)
{
  return !command->quiet && isatty(STDERR_FILENO);
}

void vmf_account_line(const struct vmf_command *command, const struct vmf_account *account)
{
  char size[16];

  if (!wants_line(command))
    return;
  vmf_human_size(account->guest_size, size);
  flockfile(stderr);
  vmf_human_text(stderr, account->path);
  fprintf(stderr, ": %s, %s disk", format_title(account->format), size);
  print_written(account->result->host_bytes, account->milliseconds);
  funlockfile(stderr);
}

static void package_json(FILE *out, const struct vmf_package_account *account)
{
  fputs("{\n    \"filename\": ", out);
  vmf_json_string(out, account->path);
  fprintf(out,
          ",\n    \"format\": \"%s\",\n    \"files\": %" PRIu64 ",\n    \"written\": %" PRIu64
          ",\n    \"seconds\": %.3f\n}\n",
          account->result->format, account->result->files, account->result->bytes,
          (double)account->milliseconds / 1000);
}

void vmf_account_package(const struct vmf_command *command,
                         const struct vmf_package_account *account)
{
  const struct vmf_package_result *result = account->result;

  if (command->listener) {
    command->listener->package(command->listener->data, account);
    return;
  }
  if (command->json)
    package_json(strcmp(account->path, "-") == 0 ? stderr : stdout, account);
  if (!wants_line(command))
    return;
  flockfile(stderr);
  vmf_human_text(stderr, account->path);
  fprintf(stderr, ": %s, %" PRIu64 " file%s", format_title(result->format), result->files,
          result->files == 1 ? "" : "s");
  print_written(result->bytes, account->milliseconds);
  funlockfile(stderr);
}

void vmf_account_json(FILE *out, const struct vmf_account *account)
{
  const struct vmf_job_result *result = account->result;
  char hex[2 * VMF_CHECKSUM_MAX + 1];

  fputs("{\n    \"filename\": ", out);
  vmf_json_string(out, account->path);
  fputs(",\n    \"format\": ", out);
  vmf_json_string(out, account->format);
  fprintf(out,
          ",\n    \"virtual-size\": %" PRIu64 ",\n    \"written\": %" PRIu64
          ",\n    \"data\": %" PRIu64 ",\n    \"zeros\": %" PRIu64 ",\n    \"seconds\": %.3f",
          account->guest_size, result->host_bytes, result->data_bytes, result->zero_bytes,
          (double)account->milliseconds / 1000);
  if (account->checksum) {
    vmf_checksum_hex(result, hex);
    fprintf(out, ",\n    \"algorithm\": \"%s\",\n    \"checksum\": \"%s\"", account->checksum, hex);
  }
  fputs("\n}\n", out);
}
