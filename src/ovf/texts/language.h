/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which of the languages that there are a reader wants: the lookup of RFC 4647, section 3.4. */
#ifndef VMF_OVF_LANGUAGE_H
#define VMF_OVF_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

enum { VMF_LANGUAGE_TEXT = 36 /* bytes of a tag with its NUL; longer ones are cut */ };

/* The next of a list of languages, as tags ("de-CH,fr") or locales ("de_CH.UTF-8", "de_CH:fr"), the
 * preferred first: "de-CH". False at the end. */
bool vmf_language_next(const char **list, char tag[VMF_LANGUAGE_TEXT]);

/* The first of the list as locales have it, "de_CH"; false: it names none ("C", ""; NULL). */
bool vmf_language_locale(const char *list, char locale[VMF_LANGUAGE_TEXT]);

/* Of `count` tags the one for a wanted one: the same ("de-CH"), or what is left of that from the
 * end ("de"); tags in any case; entries that are NULL are none. count: there is none. */
size_t vmf_language_lookup(const char *wanted, const char *const *tags, size_t count);

/* The first tag of the same language, whatever its region: "fr-FR" for "fr-CA" and "fr". Chinese is
 * written in two ways, which the region tells, and has none. */
size_t vmf_language_relative(const char *wanted, const char *const *tags, size_t count);

#endif
