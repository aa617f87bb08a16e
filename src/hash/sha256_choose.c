/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which way of SHA-256 is the fastest here. */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#include "checked.h"
#include "sha256_many.h"
#include "vmferry.h"

/* FIPS 180-4, 4.2.2 */
_Alignas(64) const uint32_t vmf_sha256_constants[VMF_SHA256_ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* Those that were built in. */
static const struct vmf_sha256_method *const built_in[] = {
#ifdef __x86_64__
    &vmf_sha256_avx512, &vmf_sha256_sha, &vmf_sha256_avx2,
#endif
#ifdef __AARCH64EL__
    &vmf_sha256_neon,
#endif
    NULL};

enum { BUILT_IN = sizeof(built_in) / sizeof(built_in[0]) };

/* What OpenSSL takes for a block of 64 bytes, without SHA instructions and with them: measured as
 * vmf_sha256_method.cost. */
enum { ALONE = 200, ALONE_BY_SHA = 50 };

/* Written once; any thread reads it then. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct vmf_sha256_method *usable[BUILT_IN], *wanted[BUILT_IN];
static size_t alone; /* the cost of OpenSSL */

static bool has_sha(void)
{
#if defined(__x86_64__)
  return vmf_sha256_sha.usable();
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#else
  return false;
#endif
}

/* VMFERRY_SHA256 leaves one method, or none. */
static void find_methods(void)
{
  const char *name = secure_getenv("VMFERRY_SHA256");
  unsigned found = 0, left = 0;

  for (unsigned i = 0; built_in[i]; i++)
    if (built_in[i]->usable()) {
      usable[found++] = built_in[i];
      if (!name || strcmp(name, built_in[i]->name) == 0)
        wanted[left++] = built_in[i];
    }
  alone = name && left > 0 ? UINT_MAX : has_sha() ? ALONE_BY_SHA : ALONE;
}

const struct vmf_sha256_method *const *vmf_sha256_methods(void)
{
  pthread_once(&once, find_methods);
  return usable;
}

const struct vmf_sha256_method *vmf_sha256_choose(size_t count)
{
  const struct vmf_sha256_method *best = NULL;
  size_t best_cost, best_lanes = 1;

  pthread_once(&once, find_methods);
  best_cost = alone;
  for (unsigned i = 0; wanted[i]; i++) {
    size_t lanes = vmf_min(wanted[i]->lanes, count);
    if (wanted[i]->cost * best_lanes < best_cost * lanes) {
      best = wanted[i];
      best_cost = best->cost;
      best_lanes = lanes;
    }
  }
  return best;
}

const char *vmf_sha256_method_name(void)
{
  const struct vmf_sha256_method *method = vmf_sha256_choose(VMF_SHA256_LANES);
  return method ? method->title : "OpenSSL, one block after the other";
}
