/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `sha256_printer METHOD` hashes messages of the bytes on standard input by one way of SHA-256 of
 * several at once, and prints a line for each: offset, length, digest. Needs no library, so that it
 * can be built for another processor. Exit status 2: it is not usable here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sha256_many.h"

enum { ROOM = 4096, LONGEST = 1100, LANES = VMF_SHA256_LANES, DIGEST = 32, TURNS = 300 };

static uint8_t bytes[ROOM], out[LANES][DIGEST];
static struct vmf_message messages[LANES];

static void take(unsigned lane, size_t offset, size_t length)
{
  messages[lane] = (struct vmf_message){.data = bytes + offset, .length = length, .out = out[lane]};
}

static void print(const struct vmf_sha256_method *method, size_t count)
{
  vmf_sha256_many(method, messages, count);
  for (size_t i = 0; i < count; i++) {
    printf("%zu %zu ", (size_t)(messages[i].data - bytes), messages[i].length);
    for (size_t at = 0; at < DIGEST; at++)
      printf("%02x", out[i][at]);
    putchar('\n');
  }
}

static void print_all(const struct vmf_sha256_method *method)
{
  uint32_t seed = 7;

  for (size_t length = 0; length <= LONGEST; length++) {
    for (unsigned i = 0; i < method->lanes; i++)
      take(i, (i + length) % LANES, length);
    print(method, method->lanes);
  }
  for (unsigned turn = 0; turn < TURNS; turn++) {
    size_t count = turn % method->lanes + 1;
    for (unsigned i = 0; i < count; i++) {
      seed = seed * 1664525 + 1013904223;
      take(i, seed >> 28, (seed >> 8) % (turn % 3 == 0 ? 130 : LONGEST + 1));
    }
    print(method, count);
  }
}

int main(int count, char **words)
{
  if (count != 2 || fread(bytes, 1, ROOM, stdin) != ROOM)
    return 1;
  for (const struct vmf_sha256_method *const *method = vmf_sha256_methods(); *method; method++)
    if (strcmp((*method)->name, words[1]) == 0) {
      print_all(*method);
      return fflush(stdout) == 0 ? 0 : 1;
    }
  return 2;
}
