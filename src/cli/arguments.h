/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Parses the command line of one verb by its table. */
#ifndef VMF_CLI_ARGUMENTS_H
#define VMF_CLI_ARGUMENTS_H

#include "verb.h"

/* argv[0] is the verb. Fills the verb's settings, which begin with `command`; vmf_arguments_free
 * releases what they own, also after a failure. */
VMF_MUST_CHECK enum vmf_code vmf_arguments_parse(const struct vmf_verb *verb, int argc, char **argv,
                                                 struct vmf_command *command,
                                                 struct vmf_error *error);
void vmf_arguments_free(const struct vmf_verb *verb, struct vmf_command *command);

/* "64k", "1.5G", "4096": bytes. `what` names the value in the error. */
VMF_MUST_CHECK enum vmf_code vmf_arguments_size(const char *text, const char *what, uint64_t *size,
                                                struct vmf_error *error);

/* Takes "name=value" out of an -o text: *value is a fresh string (a doubled comma made one), or
 * NULL when the name is not there. */
VMF_MUST_CHECK enum vmf_code vmf_arguments_take_option(char *options, const char *name,
                                                       char **value, struct vmf_error *error);

/* The length of the "name=value" that an -o text starts with: up to a single comma or the end. */
size_t vmf_arguments_option_length(const char *text);
/* These bytes, a doubled comma made one: a fresh string, or NULL without memory. */
char *vmf_arguments_option_copy(const char *text, size_t length);

/* Whether -o asks for the list of options: "help" or "?" is one of the names. */
bool vmf_arguments_want_option_help(const char *options);

/* The words that a value of this kind is one of, NULL-terminated; or NULL: it is no such kind. */
const char *const *vmf_arguments_words(enum vmf_argument_kind kind);

/* Fills the error: VMF_USAGE with that text. Returns the code. */
enum vmf_code vmf_arguments_wrong(struct vmf_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum vmf_code vmf_arguments_no_memory(struct vmf_error *error);

#endif
