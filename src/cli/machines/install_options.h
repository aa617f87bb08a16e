/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The options that say how a package is installed as a machine. */
#ifndef VMF_CLI_INSTALL_OPTIONS_H
#define VMF_CLI_INSTALL_OPTIONS_H

#include "settings.h"
#include "word_list.h"

/* The options, and what they point to besides argv. */
struct vmf_parsed_install {
  struct vmf_install_options options;
  struct vmf_property_options *properties;
  char *file;             /* the text of the properties' file, cut into keys and values */
  struct vmf_words words; /* of a file of JSON: keys and values in turn */
};

/* Whether anything of a package is chosen. */
bool vmf_install_is_asked(const struct vmf_install_settings *settings);

/* Reads the file and takes the options apart. A key of the file that an option has, too, counts as
 * the option says. VMF_USAGE: a key is there twice, or there is none. */
VMF_MUST_CHECK enum vmf_code vmf_install_options_parse(const struct vmf_install_settings *settings,
                                                       struct vmf_parsed_install *parsed,
                                                       struct vmf_error *error);
void vmf_install_options_free(struct vmf_parsed_install *parsed);

#endif
