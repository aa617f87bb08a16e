/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of a .vmx or .vmsd: one setting a line, `key = "value"`. Letters of keys are not told
 * apart by case. Values come out as UTF-8, escapes (|22) undone. */
#ifndef VMX_TEXT_H
#define VMX_TEXT_H

#include "error.h"
#include "report.h"

enum {
  VMX_FILE = 1 << 20,  /* bytes; real ones have a few thousand */
  VMX_LINE = 64 << 10, /* bytes */
  VMX_SETTINGS = 10000,
  VMX_KEY = 96, /* bytes of a key that this code asks for, with NUL */
};

struct vmx_setting {
  char *key;   /* owned; as the file spells it */
  char *value; /* owned */
  unsigned line;
  bool taken; /* it has a place in the machine */
};

struct vmx_text {
  const char *name;          /* of the file, for messages; not owned */
  const char *encoding;      /* that it is read in, as iconv calls it */
  struct vmf_report *report; /* NULL is allowed */
  struct vmx_setting *settings;
  size_t count, room;
  struct vmx_setting **by_key; /* owned; sorted, each key once */
  size_t keys;
};

/* Fills *text, which is all zeros; cleared by the caller, also after a failure. VMF_CORRUPT: NUL
 * bytes; VMF_LIMIT; VMF_UNSUPPORTED: UTF-16, or a disk. What else is odd goes to the report. */
VMF_MUST_CHECK enum vmf_code vmx_parse(const char *name, const void *bytes, size_t length,
                                       struct vmf_report *report, struct vmx_text *text,
                                       struct vmf_error *error);
void vmx_clear(struct vmx_text *text);

/* Whether a line, with or without its newline, is a setting, and where its value stands in it, with
 * its quotes. */
bool vmx_value_place(const char *line, size_t length, size_t *from, size_t *to);

/* Keys are the same whatever the case of their letters. Like strcmp. */
int vmx_compare_keys(const char *a, const char *b);

/* What the value of a line is written as: characters that would end it, as |22; a fresh string. */
VMF_MUST_CHECK enum vmf_code vmx_escape(const char *value, char **escaped, struct vmf_error *error);

/* The setting of that key, printf; NULL: none. */
struct vmx_setting *vmx_find(const struct vmx_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Its value, which has its place now; NULL: none. */
const char *vmx_take(const struct vmx_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* TRUE or FALSE, in any case; VMF_CORRUPT: something else. */
VMF_MUST_CHECK enum vmf_code vmx_flag(const struct vmx_text *text,
                                      const struct vmx_setting *setting, bool *flag,
                                      struct vmf_error *error);
/* Digits, of a number up to `most`; false: something else. */
bool vmx_digits(const char *value, uint64_t most, uint64_t *number);
/* A number from `least` to `most`; VMF_CORRUPT: something else. */
VMF_MUST_CHECK enum vmf_code vmx_number(const struct vmx_text *text,
                                        const struct vmx_setting *setting, uint64_t least,
                                        uint64_t most, uint64_t *number, struct vmf_error *error);
/* "%lld" of a whole value; false: something else. */
bool vmx_signed(const char *value, int64_t *number);

/* VMF_CORRUPT: "vm.vmx:7: KEY is "VALUE"; accepted: ...". */
VMF_MUST_CHECK enum vmf_code vmx_refuse(const struct vmx_text *text,
                                        const struct vmx_setting *setting, const char *accepted,
                                        struct vmf_error *error);

#endif
