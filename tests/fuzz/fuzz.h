/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The fuzz targets. All are in one program: libfuzzer.c runs the one that the program is called
 * after (fuzz_NAME), replay.c any, without libFuzzer. */
#ifndef VMF_TESTS_FUZZ_H
#define VMF_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What inputs a target begins with. */
enum fuzz_seeds {
  FUZZ_SEEDS_IMAGES, /* test-images/ */
  FUZZ_SEEDS_RANDOM, /* its bytes are choices: any will do */
  FUZZ_SEEDS_NONE,
};

struct fuzz_target {
  char name[48];
  void (*run)(const char *what, const uint8_t *data,
              size_t size); /* aborts when it finds a fault */
  void (*begin)(void);      /* once, before the first input; or NULL */
  const char *what;         /* the name of a format, where the target is for all of them; or NULL */
  enum fuzz_seeds seeds;
};

/* By index; false behind the last. */
bool fuzz_target_at(size_t index, struct fuzz_target *target);

/* By name; false: there is none. */
bool fuzz_target_find(const char *name, struct fuzz_target *target);

void fuzz_certificate(const char *unused, const uint8_t *data, size_t size);
void fuzz_certificate_begin(void);
void fuzz_changed_vhdx(const char *unused, const uint8_t *data, size_t size);
void fuzz_changed_vhdx_begin(void);
void fuzz_changes(const char *unused, const uint8_t *data, size_t size);
void fuzz_conversion(const char *unused, const uint8_t *data, size_t size);
void fuzz_descriptor(const char *unused, const uint8_t *data, size_t size);
void fuzz_edit(const char *unused, const uint8_t *data, size_t size);
void fuzz_files(const char *unused, const uint8_t *data, size_t size);
void fuzz_image(const char *format, const uint8_t *data, size_t size);
void fuzz_machine(const char *name, const uint8_t *data, size_t size);
void fuzz_manifest(const char *unused, const uint8_t *data, size_t size);
void fuzz_model(const char *unused, const uint8_t *data, size_t size);
void fuzz_options(const char *unused, const uint8_t *data, size_t size);
void fuzz_package(const char *unused, const uint8_t *data, size_t size);
void fuzz_partition(const char *unused, const uint8_t *data, size_t size);
void fuzz_server(const char *unused, const uint8_t *data, size_t size);
void fuzz_server_begin(void);
void fuzz_tar(const char *unused, const uint8_t *data, size_t size);
void fuzz_unpack(const char *unused, const uint8_t *data, size_t size);

#endif
