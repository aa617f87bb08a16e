/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Apple Data Compression, as disk images of UDCO have it: literals, and copies of what was unpacked
 * before, from up to 64 KiB back. Such a stream has no end of its own and no checksum. */
#include "method.h"

/* One element. The highest bits of its first byte tell which:
 *   1nnnnnnn                    n + 1 literals follow
 *   01nnnnnn dddddddd dddddddd  n + 4 bytes from d + 1 back
 *   00nnnndd dddddddd           n + 3 bytes from d + 1 back */
struct element {
  size_t head;             /* bytes of it in front of the literals */
  size_t length, distance; /* distance 0: literals */
};

static bool read_element(const uint8_t *at, size_t left, struct element *element)
{
  uint8_t first = at[0];

  if (first & 0x80) {
    *element = (struct element){.head = 1, .length = (first & 0x7fu) + 1u};
    return element->length < left;
  }
  element->head = first & 0x40 ? 3 : 2;
  if (element->head > left)
    return false;
  if (first & 0x40) {
    element->length = (first & 0x3fu) + 4u;
    element->distance = ((size_t)at[1] << 8 | at[2]) + 1;
  } else {
    element->length = (first >> 2u) + 3u;
    element->distance = ((size_t)(first & 3u) << 8 | at[1]) + 1;
  }
  return true;
}

enum vmf_code vmf_adc_unpack(const void *packed, size_t packed_length, void *data, size_t capacity,
                             size_t *length, struct vmf_error *error)
{
  const uint8_t *in = packed;
  uint8_t *out = data;
  size_t at = 0, used = 0;

  while (at < packed_length) {
    struct element element;
    if (!read_element(in + at, packed_length - at, &element))
      return vmf_fail(error, VMF_CORRUPT, "ADC data is incomplete");
    if (element.length > capacity - used)
      return vmf_fail(error, VMF_CORRUPT, "ADC data unpacks to more than %zu bytes", capacity);
    if (element.distance > used)
      return vmf_fail(error, VMF_CORRUPT, "ADC data is damaged: %zu bytes back of %zu",
                      element.distance, used);
    at += element.head;
    for (size_t i = 0; i < element.length; i++, used++)
      out[used] = element.distance > 0 ? out[used - element.distance] : in[at++];
  }
  *length = used;
  return VMF_OK;
}
