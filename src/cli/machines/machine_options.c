/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The options that describe a virtual machine. */
#include "machine_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

enum {
  EULA_BYTES = 1 << 20, /* a licence text longer than that is none */
  MEMORY_LEAST = 1 << 20,
};

static size_t list_count(const char *const *list)
{
  size_t count = 0;

  while (list && list[count])
    count++;
  return count;
}

/* ---- network cards ---- */

/* Splits "name=value,..." in place: `text` is what follows. A doubled comma is one. */
static char *nic_word(char **text)
{
  char *word = *text, *out = word, *in = word;

  for (; *in; in++) {
    if (*in == ',' && in[1] != ',')
      break;
    in += *in == ',';
    *out++ = *in;
  }
  *text = *in ? in + 1 : NULL;
  *out = 0;
  return word;
}

enum vmf_code vmf_nic_words_parse(char *text, const char *given, struct vmf_nic_options *nic,
                                  struct vmf_error *error)
{
  const struct {
    const char *name, **field;
  } fields[] = {{"model=", &nic->model}, {"network=", &nic->network}, {"mac=", &nic->mac}};

  while (text && *text) {
    char *word = nic_word(&text);
    bool known = false;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
      if (strncmp(word, fields[i].name, strlen(fields[i].name)) == 0) {
        *fields[i].field = word + strlen(fields[i].name);
        known = true;
      }
    if (!known)
      return vmf_arguments_wrong(error,
                                 "--nic: \"%s\": \"%s\" is none of model=MODEL, network=NAME and "
                                 "mac=ADDRESS",
                                 given, word);
  }
  return VMF_OK;
}

static enum vmf_code nics_parse(const char *const *given, struct vmf_parsed_machine *options,
                                struct vmf_error *error)
{
  size_t count = list_count(given);
  struct vmf_machine_options *machine = &options->machine;

  if (count == 0)
    return VMF_OK;
  options->nics = calloc(count, sizeof *options->nics);
  options->texts = calloc(count + 1, sizeof *options->texts);
  if (!options->nics || !options->texts)
    return vmf_arguments_no_memory(error);
  machine->nics = options->nics;
  if (count == 1 && strcmp(given[0], "none") == 0)
    return VMF_OK;
  for (size_t i = 0; i < count; i++) {
    enum vmf_code code;

    if (strcmp(given[i], "none") == 0)
      return vmf_arguments_wrong(error, "--nic=none cannot be used with another --nic");
    options->texts[i] = strdup(given[i]);
    if (!options->texts[i])
      return vmf_arguments_no_memory(error);
    code = vmf_nic_words_parse(options->texts[i], given[i], &options->nics[i], error);
    if (code != VMF_OK)
      return code;
  }
  machine->nic_count = count;
  return VMF_OK;
}

/* ---- properties ---- */

static enum vmf_code properties_parse(const char **given, struct vmf_parsed_machine *options,
                                      struct vmf_error *error)
{
  size_t count = list_count((const char *const *)given);

  if (count == 0)
    return VMF_OK;
  options->properties = calloc(count, sizeof *options->properties);
  if (!options->properties)
    return vmf_arguments_no_memory(error);
  options->machine.properties = options->properties;
  for (size_t i = 0; i < count; i++) {
    char *equals = strchr(given[i], '='); /* argv may be written to */

    if (!equals || equals == given[i])
      return vmf_arguments_wrong(error, "--property: \"%s\" is not KEY=VALUE or KEY:TYPE=VALUE",
                                 given[i]);
    *equals = 0;
    options->properties[i] = (struct vmf_property_options){given[i], equals + 1};
    options->machine.property_count++;
  }
  return VMF_OK;
}

/* ---- licence texts ---- */

static enum vmf_code eula_failed(const char *path, struct vmf_error *error)
{
  int cause = errno;

  vmf_arguments_wrong(error, "--eula: %s: %s", path, strerror(cause));
  error->sys_errno = cause;
  return error->code = VMF_SYSTEM;
}

/* Takes away what is not text: a byte order mark, the carriage returns of Windows. */
static void eula_plain(char *text)
{
  char *out = text;

  for (const char *in = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text; *in; in++)
    if (in[0] != '\r' || in[1] != '\n')
      *out++ = *in;
  *out = 0;
}

static enum vmf_code eula_read(const char *path, char **text, struct vmf_error *error)
{
  FILE *file = fopen(path, "rbe");
  size_t length = 0;
  bool failed;

  if (!file)
    return eula_failed(path, error);
  *text = malloc(EULA_BYTES + 2);
  if (*text)
    length = fread(*text, 1, EULA_BYTES + 1, file);
  failed = ferror(file) != 0;
  if (failed)
    (void)eula_failed(path, error);
  fclose(file);
  if (!*text)
    return vmf_arguments_no_memory(error);
  if (failed)
    return VMF_SYSTEM;
  if (length > EULA_BYTES)
    return vmf_arguments_wrong(error, "--eula: %s is larger than 1 MiB", path);
  (*text)[length] = 0;
  if (strlen(*text) < length)
    return vmf_arguments_wrong(error, "--eula: %s is not text: it has a NUL byte at %zu", path,
                               strlen(*text));
  eula_plain(*text);
  return VMF_OK;
}

static enum vmf_code eulas_read(const char *const *paths, struct vmf_parsed_machine *options,
                                struct vmf_error *error)
{
  size_t count = list_count(paths);
  enum vmf_code code = VMF_OK;

  if (count == 0)
    return VMF_OK;
  options->eulas = calloc(count + 1, sizeof *options->eulas);
  if (!options->eulas)
    return vmf_arguments_no_memory(error);
  for (size_t i = 0; i < count && code == VMF_OK; i++)
    code = eula_read(paths[i], &options->eulas[i], error);
  options->machine.eulas = (const char *const *)options->eulas;
  options->machine.eula_count = count;
  return code;
}

/* ---- all of it ---- */

static enum vmf_code template_alone(const struct vmf_machine_settings *settings,
                                    struct vmf_error *error)
{
  const struct {
    const char *option;
    bool given;
  } describing[] = {
      {"--name", settings->name != NULL},
      {"--cpus", settings->cpus_given},
      {"--memory", settings->memory_given},
      {"--os", settings->os != NULL},
      {"--firmware", settings->firmware != NULL},
      {"--secure-boot", settings->secure_boot},
      {"--nic", settings->nics != NULL},
      {"--controller", settings->controllers != NULL},
      {"--hardware", settings->hardware != NULL},
      {"--product", settings->product != NULL},
      {"--vendor", settings->vendor != NULL},
      {"--product-version", settings->version != NULL},
      {"--full-version", settings->full_version != NULL},
      {"--property", settings->properties != NULL},
      {"--eula", settings->eulas != NULL},
      {"--annotation", settings->annotation != NULL},
      {"--ovf-version", settings->ovf_version != NULL},
  };

  for (size_t i = 0; settings->template_path && i < sizeof describing / sizeof describing[0]; i++)
    if (describing[i].given)
      return vmf_arguments_wrong(error,
                                 "%s cannot be used with --template, which describes the machine",
                                 describing[i].option);
  return VMF_OK;
}

enum vmf_code vmf_machine_options_parse(const struct vmf_machine_settings *given,
                                        struct vmf_parsed_machine *options, struct vmf_error *error)
{
  enum vmf_code code = template_alone(given, error);

  *options = (struct vmf_parsed_machine){.machine = {
                                             .size = sizeof options->machine,
                                             .name = given->name,
                                             .cpus = (unsigned)given->cpus,
                                             .memory = given->memory,
                                             .os = given->os,
                                             .firmware = given->firmware,
                                             .secure_boot = given->secure_boot,
                                             .hardware = given->hardware,
                                             .controllers = given->controllers,
                                             .controller_count = list_count(given->controllers),
                                             .product = given->product,
                                             .vendor = given->vendor,
                                             .version = given->version,
                                             .full_version = given->full_version,
                                             .annotation = given->annotation,
                                             .ovf_version = given->ovf_version,
                                         }};
  if (code == VMF_OK && given->memory_given && given->memory < MEMORY_LEAST)
    code =
        vmf_arguments_wrong(error, "--memory: %llu bytes are too few; with a suffix: 2048M or 2G",
                            (unsigned long long)given->memory);
  if (code == VMF_OK)
    code = nics_parse(given->nics, options, error);
  if (code == VMF_OK)
    code = properties_parse(given->properties, options, error);
  if (code == VMF_OK)
    code = eulas_read(given->eulas, options, error);
  return code;
}

void vmf_machine_options_free(struct vmf_parsed_machine *options)
{
  for (char **text = options->texts; text && *text; text++)
    free(*text);
  for (char **text = options->eulas; text && *text; text++)
    free(*text);
  free(options->texts);
  free(options->eulas);
  free(options->nics);
  free(options->properties);
  *options = (struct vmf_parsed_machine){0};
}

void vmf_machine_options_print_systems(void)
{
  struct vmf_guest_os_info info = {.size = sizeof info};

  printf("%4s  %-46s %-28s %s\n", "CIM", "Name", "VMware", "VirtualBox");
  for (size_t i = 0; vmf_guest_os_describe(i, &info); i++)
    printf("%4u  %-46s %-28s %s\n", info.cim, info.name, info.vmware ? info.vmware : "-",
           info.vbox ? info.vbox : "-");
}
