/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sha256_many.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"

enum { LENGTH_BYTES = 8 };

struct lane {
  const struct vmf_message *message;
  size_t blocks;                      /* left of what is being read; 0: all is done */
  uint8_t tail[2 * VMF_SHA256_BLOCK]; /* what follows the whole blocks */
  bool in_tail;
};

struct lanes {
  const struct vmf_sha256_method *method;
  struct vmf_sha256_state state;
  const uint8_t *data[VMF_SHA256_LANES]; /* of the next block of each lane */
  struct lane of[VMF_SHA256_LANES];
};

/* The rest of the message, 0x80, zeros, the length in bits (FIPS 180-4, 5.1.1). */
static void start_tail(struct lane *lane, const uint8_t **data)
{
  size_t length = lane->message->length, left = length % VMF_SHA256_BLOCK;

  lane->in_tail = true;
  lane->blocks = left + 1 + LENGTH_BYTES <= VMF_SHA256_BLOCK ? 1 : 2;
  memset(lane->tail, 0, sizeof(lane->tail));
  if (left > 0)
    memcpy(lane->tail, lane->message->data + (length - left), left);
  lane->tail[left] = 0x80;
  put_be64(lane->tail + lane->blocks * VMF_SHA256_BLOCK - LENGTH_BYTES, (uint64_t)length * 8);
  *data = lane->tail;
}

static void start_lane(struct lanes *lanes, unsigned i, const struct vmf_message *message)
{
  /* FIPS 180-4, 5.3.3 */
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  struct lane *lane = &lanes->of[i];

  for (unsigned word = 0; word < 8; word++)
    lanes->state.words[word][i] = start[word];
  lane->message = message;
  lane->in_tail = false;
  lane->blocks = message->length / VMF_SHA256_BLOCK;
  lanes->data[i] = message->data;
  if (lane->blocks == 0)
    start_tail(lane, &lanes->data[i]);
}

static void advance(struct lanes *lanes, unsigned i, size_t blocks)
{
  struct lane *lane = &lanes->of[i];

  if (lane->blocks == 0)
    return;
  lane->blocks -= blocks;
  lanes->data[i] += blocks * VMF_SHA256_BLOCK;
  if (lane->blocks > 0)
    return;
  if (!lane->in_tail)
    start_tail(lane, &lanes->data[i]);
  else
    for (unsigned word = 0; word < 8; word++)
      put_be32(lane->message->out + 4 * word, lanes->state.words[word][i]);
}

/* How many blocks each busy lane has, 0 when none is busy. The others go with one that is: what
 * comes out of them is not looked at. */
static size_t plan_step(struct lanes *lanes)
{
  unsigned shortest = 0;

  for (unsigned i = 1; i < lanes->method->lanes; i++)
    if (lanes->of[shortest].blocks == 0 ||
        (lanes->of[i].blocks > 0 && lanes->of[i].blocks < lanes->of[shortest].blocks))
      shortest = i;
  for (unsigned i = 0; i < lanes->method->lanes; i++)
    if (lanes->of[i].blocks == 0)
      lanes->data[i] = lanes->data[shortest];
  return lanes->of[shortest].blocks;
}

void vmf_sha256_many(const struct vmf_sha256_method *method, const struct vmf_message *messages,
                     size_t count)
{
  struct lanes lanes;
  size_t blocks;

  lanes.method = method;
  for (unsigned i = 0; i < method->lanes; i++) {
    lanes.of[i].blocks = 0;
    if (i < count)
      start_lane(&lanes, i, &messages[i]);
  }
  while ((blocks = plan_step(&lanes)) > 0) {
    method->add(&lanes.state, lanes.data, blocks);
    for (unsigned i = 0; i < method->lanes; i++)
      advance(&lanes, i, blocks);
  }
}
