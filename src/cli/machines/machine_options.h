/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The options that describe a virtual machine. */
#ifndef VMF_CLI_MACHINE_OPTIONS_H
#define VMF_CLI_MACHINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmferry.h"

/* How a machine is described; see struct vmf_machine_options. */
struct vmf_machine_settings {
  const char *name, *os, *firmware, *hardware, *product, *vendor, *version, *full_version;
  const char *annotation, *ovf_version, *template_path;
  uint64_t cpus, memory;
  bool secure_boot, cpus_given, memory_given;
  const char **nics, **controllers, **properties, **eulas; /* NULL-terminated; owned */
};

/* A machine and what it points to, besides argv. */
struct vmf_parsed_machine {
  struct vmf_machine_options machine;
  struct vmf_nic_options *nics;
  struct vmf_property_options *properties;
  char **eulas;
  char **texts; /* NULL-terminated */
};

/* Takes the options apart and reads the licence files. With a template any other option is wrong:
 * VMF_USAGE, naming it; the template itself is the caller's to open. */
VMF_MUST_CHECK enum vmf_code vmf_machine_options_parse(const struct vmf_machine_settings *given,
                                                       struct vmf_parsed_machine *options,
                                                       struct vmf_error *error);
void vmf_machine_options_free(struct vmf_parsed_machine *options);

/* "model=MODEL,network=NAME,mac=ADDRESS", taken apart in place; given: what the person typed. */
VMF_MUST_CHECK enum vmf_code vmf_nic_words_parse(char *text, const char *given,
                                                 struct vmf_nic_options *nic,
                                                 struct vmf_error *error);

/* The guest operating systems, one a line, on standard output. */
void vmf_machine_options_print_systems(void);

#endif
