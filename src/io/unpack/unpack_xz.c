/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The .xz file format 1.2.0. liblzma checks every block, the index and the footer. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "packing.h"
#include "size.h"

#define MAGIC                                                                                      \
  "\xfd"                                                                                           \
  "7zXZ\0"
enum { MAGIC_LENGTH = 6 };

static bool xz_begins(const uint8_t *head, size_t length)
{
  return length >= MAGIC_LENGTH && memcmp(head, MAGIC, MAGIC_LENGTH) == 0;
}

#ifdef VMF_HAVE_LZMA
#include <lzma.h>

enum {
  INDEX_BYTES = 16 << 20,  /* of one stream, packed and in memory */
  PADDING_WORDS = 1 << 18, /* of zeros behind a stream; more are only read from the start */
};

static enum vmf_code xz_fail(lzma_ret result, struct vmf_error *error)
{
  static const struct {
    lzma_ret result;
    enum vmf_code code;
    const char *text;
  } known[] = {
      {LZMA_MEM_ERROR, VMF_NOMEM, "no memory to unpack it"},
      {LZMA_MEMLIMIT_ERROR, VMF_LIMIT,
       "unpacking it takes more than 128 MiB of memory, which is "
       "the most that is given (xz -dc takes any amount)"},
      {LZMA_FORMAT_ERROR, VMF_CORRUPT, "the header of a stream is damaged"},
      {LZMA_OPTIONS_ERROR, VMF_UNSUPPORTED, "it is packed by a filter that is not known"},
      {LZMA_UNSUPPORTED_CHECK, VMF_UNSUPPORTED, "its checksums are of a kind that is not known"},
      {LZMA_DATA_ERROR, VMF_CORRUPT, "the data, or a checksum of it, is wrong"},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].result == result)
      return vmf_fail(error, known[i].code, "%s", known[i].text);
  return vmf_fail(error, VMF_CORRUPT, "it cannot be unpacked (liblzma's error %d)", (int)result);
}

static enum vmf_code xz_begin(void *state, const uint8_t *head, size_t length,
                              struct vmf_error *error)
{
  lzma_ret result = lzma_stream_decoder(state, VMF_WINDOW_MAX, LZMA_TELL_UNSUPPORTED_CHECK);
  (void)head;
  (void)length;
  return result == LZMA_OK ? VMF_OK : xz_fail(result, error);
}

static enum vmf_code xz_step(void *state, struct vmf_unpack_step *step, struct vmf_error *error)
{
  lzma_stream *stream = state;
  stream->next_in = step->in;
  stream->avail_in = step->in_length;
  stream->next_out = step->out;
  stream->avail_out = step->out_length;
  lzma_ret result = lzma_code(stream, LZMA_RUN);
  step->in = stream->next_in;
  step->in_length = stream->avail_in;
  step->out = stream->next_out;
  step->out_length = stream->avail_out;
  step->ended = result == LZMA_STREAM_END;
  if (result == LZMA_OK || result == LZMA_STREAM_END || result == LZMA_BUF_ERROR)
    return VMF_OK;
  return xz_fail(result, error);
}

static void xz_end(void *state)
{
  lzma_end(state);
}

/* ---- blocks ---- */

static enum vmf_code cannot_list(const char *why, struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED, "%s", why);
}

/* The index of the stream whose footer this is, and which ends at `end`. */
static enum vmf_code read_index(struct vmf_io *packed, uint64_t end, const lzma_stream_flags *flags,
                                lzma_index **index, struct vmf_error *error)
{
  VMF_AUTO_FREE void *bytes = NULL;
  uint64_t limit = INDEX_BYTES;
  size_t used = 0, length = (size_t)flags->backward_size;
  if (flags->backward_size > INDEX_BYTES ||
      flags->backward_size > end - 2 * LZMA_STREAM_HEADER_SIZE)
    return cannot_list("the index is too long", error);
  VMF_TRY(vmf_alloc(length, &bytes, error));
  VMF_TRY(vmf_frame_read(packed, end - LZMA_STREAM_HEADER_SIZE - length, bytes, length, error));
  if (lzma_index_buffer_decode(index, &limit, NULL, bytes, &used, length) != LZMA_OK)
    return cannot_list("the index is damaged", error);
  return used == length ? VMF_OK : cannot_list("the index is shorter than the footer says", error);
}

static void turn(struct vmf_packed_piece *list, size_t count)
{
  for (size_t a = 0, b = count; a + 1 < b; a++) {
    struct vmf_packed_piece other = list[--b];
    list[b] = list[a];
    list[a] = other;
  }
}

/* Adds the blocks of the index from the last to the first, as the whole list will be turned. */
static enum vmf_code add_blocks(const lzma_index *index, uint64_t start, unsigned check,
                                struct vmf_packed_pieces *pieces, struct vmf_error *error)
{
  lzma_index_iter block;
  size_t first = pieces->count;

  lzma_index_iter_init(&block, index);
  while (!lzma_index_iter_next(&block, LZMA_INDEX_ITER_BLOCK)) {
    VMF_TRY(vmf_pieces_add(pieces, start + block.block.compressed_file_offset,
                           block.block.total_size, block.block.uncompressed_size, true, error));
    if (pieces->unlisted)
      continue;
    struct vmf_packed_piece *piece = &pieces->list[pieces->count - 1];
    piece->unpadded = (uint32_t)block.block.unpadded_size;
    piece->check = check;
  }
  turn(pieces->list + first, pieces->count - first);
  return VMF_OK;
}

/* The stream that ends at *end, which becomes its start. */
static enum vmf_code list_stream(struct vmf_io *packed, uint64_t *end,
                                 struct vmf_packed_pieces *pieces, struct vmf_error *error)
{
  uint8_t bytes[LZMA_STREAM_HEADER_SIZE];
  lzma_stream_flags footer, header;
  lzma_index *index = NULL;
  if (*end < 2 * LZMA_STREAM_HEADER_SIZE)
    return cannot_list("no stream is so short", error);
  VMF_TRY(vmf_frame_read(packed, *end - sizeof bytes, bytes, sizeof bytes, error));
  if (lzma_stream_footer_decode(&footer, bytes) != LZMA_OK)
    return cannot_list("no footer of a stream", error);
  VMF_TRY(read_index(packed, *end, &footer, &index, error));
  uint64_t size = lzma_index_stream_size(index);
  enum vmf_code code = size <= *end ? VMF_OK : cannot_list("the stream starts before it", error);
  if (code == VMF_OK)
    code = vmf_frame_read(packed, *end - size, bytes, sizeof bytes, error);
  if (code == VMF_OK && (lzma_stream_header_decode(&header, bytes) != LZMA_OK ||
                         lzma_stream_flags_compare(&header, &footer) != LZMA_OK ||
                         !lzma_check_is_supported(header.check)))
    code = cannot_list("header and footer of the stream differ, or its checksums are not known",
                       error);
  if (code == VMF_OK)
    code = add_blocks(index, *end - size, header.check, pieces, error);
  lzma_index_end(index, NULL);
  *end -= size;
  return code;
}

/* Zeros, in fours, may stand behind a stream. */
static enum vmf_code skip_padding(struct vmf_io *packed, uint64_t *end, struct vmf_error *error)
{
  uint8_t word[4];
  for (unsigned left = PADDING_WORDS; left > 0; left--) {
    if (*end % sizeof word != 0 || *end == 0)
      return cannot_list("the length is no multiple of four", error);
    VMF_TRY(vmf_frame_read(packed, *end - sizeof word, word, sizeof word, error));
    if (memcmp(word, "\0\0\0\0", sizeof word) != 0)
      return VMF_OK;
    *end -= sizeof word;
  }
  return cannot_list("too many zeros", error);
}

/* From the last stream to the first: only its end tells where a stream starts. */
static enum vmf_code xz_list(struct vmf_io *packed, struct vmf_packed_pieces *pieces,
                             struct vmf_error *error)
{
  uint64_t end = vmf_size_get(packed);
  unsigned streams = 0;
  while (end > 0) {
    if (streams++ == VMF_PIECES_MAX)
      return cannot_list("too many streams", error);
    VMF_TRY(skip_padding(packed, &end, error));
    VMF_TRY(list_stream(packed, &end, pieces, error));
  }
  turn(pieces->list, pieces->count);
  return VMF_OK;
}

static void free_filters(lzma_filter *filters)
{
  for (size_t i = 0; filters[i].id != LZMA_VLI_UNKNOWN; i++)
    free(filters[i].options); /* made by liblzma, with malloc */
}

/* No more of a window is needed than there are bytes. */
static enum vmf_code bound_window(lzma_filter *filters, uint32_t length, struct vmf_error *error)
{
  if (lzma_raw_decoder_memusage(filters) > VMF_WINDOW_MAX)
    return xz_fail(LZMA_MEMLIMIT_ERROR, error);
  for (size_t i = 0; filters[i].id != LZMA_VLI_UNKNOWN; i++)
    if (filters[i].id == LZMA_FILTER_LZMA2) {
      lzma_options_lzma *options = filters[i].options;
      options->dict_size =
          (uint32_t)vmf_min(options->dict_size, vmf_max(length, LZMA_DICT_SIZE_MIN));
    }
  return VMF_OK;
}

static enum vmf_code xz_unpack(void *state, const struct vmf_packed_piece *piece,
                               const uint8_t *stored, uint8_t *out, size_t *made,
                               struct vmf_error *error)
{
  lzma_filter filters[LZMA_FILTERS_MAX + 1] = {{.id = LZMA_VLI_UNKNOWN}};
  lzma_block block = {.version = 1, .filters = filters, .check = (lzma_check)piece->check};
  (void)state;
  if (piece->stored == 0 || stored[0] == 0 ||
      (block.header_size = lzma_block_header_size_decode(stored[0])) > piece->stored)
    return vmf_fail(error, VMF_CORRUPT, "no block stands where the index says");
  lzma_ret result = lzma_block_header_decode(&block, NULL, stored);
  if (result != LZMA_OK)
    return xz_fail(result, error);
  enum vmf_code code = bound_window(filters, piece->length, error);
  size_t in = block.header_size;
  *made = 0;
  if (code == VMF_OK) {
    result = lzma_block_buffer_decode(&block, NULL, stored, &in, piece->stored, out, made,
                                      piece->length);
    if (result != LZMA_OK)
      code = xz_fail(result == LZMA_BUF_ERROR ? LZMA_DATA_ERROR : result, error);
  }
  free_filters(filters);
  if (code == VMF_OK && (in != piece->stored || *made != piece->length ||
                         lzma_block_unpadded_size(&block) != piece->unpadded))
    code = vmf_fail(error, VMF_CORRUPT, "the block has another size than the index says");
  return code;
}
#endif

static const char *const suffixes[] = {"xz", "txz", NULL};

const struct vmf_packing vmf_packing_xz = {
    .name = "xz",
    .suffixes = suffixes,
    .command = "xz -dc",
    .magic = MAGIC,
    .magic_length = MAGIC_LENGTH,
    .zeros_behind = 4,
    .file_begins = xz_begins,
    .member_begins = xz_begins,
#ifdef VMF_HAVE_LZMA
    .state_size = sizeof(lzma_stream),
    .begin = xz_begin,
    .step = xz_step,
    .end = xz_end,
    .list = xz_list,
    .unpack = xz_unpack,
#else
    .library = "liblzma",
#endif
};
