/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "coverage.h"

#include <inttypes.h>

#include "checked.h"
#include "memory.h"

enum {
  WORD_BITS = 64,
  PAGE_WORDS = 512,
  PAGE_PIECES = PAGE_WORDS * WORD_BITS,
  PAGES_MAX = 1 << 20,      /* of a disk: 2 PiB in pieces of 64 KiB */
  IN_MEMORY_MAX = 16 << 10, /* 64 MiB */
};

struct vmf_coverage_page {
  uint32_t came; /* bits that are set */
  uint64_t bits[PAGE_WORDS];
};

/* Stands for every page whose pieces have all come. */
static struct vmf_coverage_page complete;

enum vmf_code vmf_coverage_init(struct vmf_coverage *coverage, uint64_t size, uint32_t piece,
                                struct vmf_error *error)
{
  uint64_t pieces = vmf_div_up(size, piece), pages = vmf_div_up(pieces, PAGE_PIECES);
  void *memory;

  VMF_TRY(vmf_alloc_table(pages, sizeof(struct vmf_coverage_page *),
                          PAGES_MAX * sizeof(struct vmf_coverage_page *),
                          "a disk that comes in any order", &memory, error));
  *coverage = (struct vmf_coverage){
      .size = size, .piece = piece, .pieces = pieces, .pages = memory, .page_count = (size_t)pages};
  return VMF_OK;
}

void vmf_coverage_free(struct vmf_coverage *coverage)
{
  for (size_t i = 0; i < coverage->page_count; i++)
    if (coverage->pages[i] != &complete)
      vmf_free(coverage->pages[i]);
  vmf_free(coverage->pages);
}

/* ---- what comes ---- */

/* Bits [first, end) of a word, which they are within. */
static uint64_t mask(unsigned first, unsigned end)
{
  uint64_t below_end = end == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << end) - 1;
  return below_end & ~((UINT64_C(1) << first) - 1);
}

static enum vmf_code make_page(struct vmf_coverage *coverage, size_t index, struct vmf_error *error)
{
  void *memory;

  if (coverage->in_memory == IN_MEMORY_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "the data of a disk of %" PRIu64
                    " bytes comes scattered too widely to be kept account of; store it in a file "
                    "first",
                    coverage->size);
  VMF_TRY(vmf_alloc(sizeof(struct vmf_coverage_page), &memory, error));
  coverage->pages[index] = memory;
  coverage->in_memory++;
  return VMF_OK;
}

static bool set_bits(struct vmf_coverage_page *page, unsigned first, unsigned end)
{
  bool twice = false;

  for (unsigned at = first; at < end;) {
    unsigned start = at % WORD_BITS;
    unsigned stop = (unsigned)vmf_min(WORD_BITS, start + (end - at));
    twice |= (page->bits[at / WORD_BITS] & mask(start, stop)) != 0;
    page->bits[at / WORD_BITS] |= mask(start, stop);
    at += stop - start;
  }
  page->came += end - first;
  return twice;
}

/* Pieces first to end - 1 of one page, which has `there` of them. */
static enum vmf_code add_to_page(struct vmf_coverage *coverage, size_t index, unsigned first,
                                 unsigned end, unsigned there, bool *twice, struct vmf_error *error)
{
  struct vmf_coverage_page **page = &coverage->pages[index];

  if (*page == &complete) {
    *twice = true;
    return VMF_OK;
  }
  if (!*page && first == 0 && end == there) {
    *page = &complete;
    return VMF_OK;
  }
  if (!*page)
    VMF_TRY(make_page(coverage, index, error));
  *twice |= set_bits(*page, first, end);
  if ((*page)->came < there)
    return VMF_OK;
  vmf_free(*page);
  *page = &complete;
  coverage->in_memory--;
  return VMF_OK;
}

enum vmf_code vmf_coverage_add(struct vmf_coverage *coverage, uint64_t guest, uint64_t length,
                               bool *twice, struct vmf_error *error)
{
  uint64_t at = guest / coverage->piece, end = vmf_div_up(guest + length, coverage->piece);

  *twice = false;
  while (at < end && !*twice) {
    uint64_t start = vmf_align_down(at, PAGE_PIECES);
    uint64_t stop = vmf_min(end, start + PAGE_PIECES);
    VMF_TRY(add_to_page(coverage, (size_t)(start / PAGE_PIECES), (unsigned)(at - start),
                        (unsigned)(stop - start),
                        (unsigned)vmf_min(PAGE_PIECES, coverage->pieces - start), twice, error));
    at = stop;
  }
  return VMF_OK;
}

/* ---- what did not come ---- */

/* The bits from `piece` to the end of its word, of those that have come or have not. */
static uint64_t bits_from(const struct vmf_coverage *coverage, uint64_t piece, bool came)
{
  const struct vmf_coverage_page *page = coverage->pages[piece / PAGE_PIECES];
  uint64_t word = page == &complete ? UINT64_MAX : 0;

  if (page && page != &complete)
    word = page->bits[piece % PAGE_PIECES / WORD_BITS];
  return (came ? word : ~word) & mask(piece % WORD_BITS, WORD_BITS);
}

/* The first piece at or behind `piece` that has come, or has not; coverage->pieces: none. */
static uint64_t find(const struct vmf_coverage *coverage, uint64_t piece, bool came)
{
  while (piece < coverage->pieces) {
    const struct vmf_coverage_page *page = coverage->pages[piece / PAGE_PIECES];
    uint64_t bits = bits_from(coverage, piece, came);
    if (bits != 0)
      return vmf_min(coverage->pieces,
                     vmf_align_down(piece, WORD_BITS) + (unsigned)__builtin_ctzll(bits));
    bool uniform = !page || page == &complete;
    piece = vmf_align_down(piece, uniform ? PAGE_PIECES : WORD_BITS) +
            (uniform ? PAGE_PIECES : WORD_BITS);
  }
  return coverage->pieces;
}

void vmf_coverage_missing(const struct vmf_coverage *coverage, uint64_t guest, uint64_t *start,
                          uint64_t *end)
{
  uint64_t first = find(coverage, vmf_div_up(guest, coverage->piece), false);
  uint64_t behind = find(coverage, first, true);

  *start = first < coverage->pieces ? first * coverage->piece : coverage->size;
  *end = behind < coverage->pieces ? behind * coverage->piece : coverage->size;
}
