/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What targets that work on files share: a folder of the process in memory, files in it, pipes, and
 * how a fault is told. */
#ifndef VMF_TESTS_FUZZ_SCRATCH_H
#define VMF_TESTS_FUZZ_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_PATH = 256 };

/* Tells what was found, and aborts. */
void fuzz_fault(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Makes the folder (in $TMPDIR, else /dev/shm), or empties it. It goes when the process ends. */
void fuzz_scratch_clear(void);

/* The path of a name in it. */
void fuzz_scratch_path(const char *name, char path[FUZZ_PATH]);

void fuzz_scratch_write(const char *name, const void *bytes, size_t size);

/* The first `most` bytes of a file, in a fresh block; *size: how many they are. */
uint8_t *fuzz_scratch_read(const char *path, size_t most, size_t *size);

/* ---- pipes: one at a time ---- */

/* The name of a pipe ("/dev/fd/N") whose other end is written into the file. */
void fuzz_pipe_to(const char *file, char path[FUZZ_PATH]);

/* Standard input becomes a pipe on which the file comes. */
void fuzz_pipe_from(const char *file);

/* Closes our end, and waits for the other; standard input becomes /dev/null again. */
void fuzz_pipe_end(void);

#endif
