/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A fixed set of pages in a hash table, replaced by the clock algorithm. A page that is being read
 * belongs to the thread that reads it, outside the table, so two threads may read the same page at
 * once; the first one home keeps it. */
#include "page_cache.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "size.h"

enum { PAGE_SIZE = 64 * 1024, PAGES_MIN = 8 };

struct page {
  const struct vmf_io *io; /* NULL: holds nothing */
  uint64_t index;          /* offset / PAGE_SIZE */
  struct page *next;       /* in its bucket */
  unsigned char *bytes;    /* PAGE_SIZE of the cache's block */
  bool used;               /* since the hand last passed */
  bool busy;               /* a thread reads into it; in no bucket */
};

struct vmf_page_cache {
  size_t page_count, bucket_count; /* bucket_count: a power of two */
  unsigned char *block;
  /* Guards all pages (but for the bytes of busy ones), the buckets and the hand. Never held across
   * I/O. */
  pthread_mutex_t lock;
  struct page *pages;
  struct page **buckets;
  size_t hand;
};

static size_t cache_bucket(const struct vmf_page_cache *cache, const struct vmf_io *io,
                           uint64_t index)
{
  uint64_t key = ((uint64_t)(uintptr_t)io >> 4) * UINT64_C(0x9E3779B97F4A7C15) + index;
  key *= UINT64_C(0xC2B2AE3D27D4EB4F);
  return (size_t)(key >> 32) & (cache->bucket_count - 1);
}

enum vmf_code vmf_page_cache_new(size_t bytes, struct vmf_page_cache **cache,
                                 struct vmf_error *error)
{
  size_t pages = (size_t)vmf_max(bytes / PAGE_SIZE, PAGES_MIN), buckets = PAGES_MIN;
  VMF_AUTO_FREE void *block = NULL, *page_table = NULL, *bucket_table = NULL;
  void *made = NULL;
  while (buckets < pages)
    buckets *= 2;
  VMF_TRY(vmf_alloc_pages(pages * PAGE_SIZE, &block, error));
  VMF_TRY(vmf_alloc(pages * sizeof(struct page), &page_table, error));
  VMF_TRY(vmf_alloc(buckets * sizeof(struct page *), &bucket_table, error));
  VMF_TRY(vmf_alloc(sizeof **cache, &made, error));
  *cache = made;
  **cache = (struct vmf_page_cache){.page_count = pages,
                                    .bucket_count = buckets,
                                    .block = block,
                                    .pages = page_table,
                                    .buckets = bucket_table};
  pthread_mutex_init(&(*cache)->lock, NULL);
  for (size_t i = 0; i < pages; i++)
    (*cache)->pages[i].bytes = (*cache)->block + i * PAGE_SIZE;
  block = page_table = bucket_table = NULL;
  return VMF_OK;
}

void vmf_page_cache_free(struct vmf_page_cache *cache)
{
  if (!cache)
    return;
  pthread_mutex_destroy(&cache->lock);
  vmf_free(cache->buckets);
  vmf_free(cache->pages);
  vmf_free(cache->block);
  vmf_free(cache);
}

/* The functions below run under the lock. */

static struct page *cache_find(struct vmf_page_cache *cache, const struct vmf_io *io,
                               uint64_t index)
{
  struct page *page = cache->buckets[cache_bucket(cache, io, index)];
  while (page && (page->io != io || page->index != index))
    page = page->next;
  return page;
}

static void cache_forget(struct vmf_page_cache *cache, struct page *page)
{
  struct page **link = &cache->buckets[cache_bucket(cache, page->io, page->index)];
  while (*link != page)
    link = &(*link)->next;
  *link = page->next;
  page->io = NULL;
}

static void cache_insert(struct vmf_page_cache *cache, struct page *page, const struct vmf_io *io,
                         uint64_t index)
{
  struct page **bucket = &cache->buckets[cache_bucket(cache, io, index)];
  page->io = io;
  page->index = index;
  page->used = true;
  page->next = *bucket;
  *bucket = page;
}

/* A page to read into, or NULL when other threads have them all. */
static struct page *cache_take(struct vmf_page_cache *cache)
{
  for (size_t i = 0; i < 2 * cache->page_count; i++) {
    struct page *page = &cache->pages[cache->hand];
    cache->hand = (cache->hand + 1) % cache->page_count;
    if (page->busy)
      continue;
    if (page->io && page->used) {
      page->used = false;
      continue;
    }
    if (page->io)
      cache_forget(cache, page);
    page->busy = true;
    return page;
  }
  return NULL;
}

/* One page's part of a read. */
struct part {
  uint64_t index;
  size_t skip, length; /* in the page */
  void *buffer;
};

/* True when the bytes were copied; otherwise *page is a busy page to fill, or NULL. */
static bool cache_hit(struct vmf_page_cache *cache, const struct vmf_io *io,
                      const struct part *part, struct page **page)
{
  pthread_mutex_lock(&cache->lock);
  struct page *found = cache_find(cache, io, part->index);
  if (found) {
    found->used = true;
    memcpy(part->buffer, found->bytes + part->skip, part->length);
  } else {
    *page = cache_take(cache);
  }
  pthread_mutex_unlock(&cache->lock);
  return found != NULL;
}

static enum vmf_code cache_fill(struct vmf_page_cache *cache, struct vmf_io *io,
                                const struct part *part, struct page *page, struct vmf_error *error)
{
  uint64_t start = part->index * PAGE_SIZE;
  size_t length = (size_t)vmf_min(PAGE_SIZE, vmf_size_get(io) - start);
  enum vmf_code code = vmf_io_pread(io, page->bytes, length, start, error);
  if (code == VMF_OK)
    memcpy(part->buffer, page->bytes + part->skip, part->length);
  pthread_mutex_lock(&cache->lock);
  if (code == VMF_OK && !cache_find(cache, io, part->index))
    cache_insert(cache, page, io, part->index);
  page->busy = false;
  pthread_mutex_unlock(&cache->lock);
  return code;
}

enum vmf_code vmf_page_cache_pread(struct vmf_page_cache *cache, struct vmf_io *io, void *buffer,
                                   size_t length, uint64_t offset, struct vmf_error *error)
{
  unsigned char *to = buffer;
  if (!cache || !vmf_range_within(offset, length, vmf_size_get(io)))
    return vmf_io_pread(io, buffer, length, offset, error);
  while (length > 0) {
    struct part part = {.index = offset / PAGE_SIZE, .skip = offset % PAGE_SIZE, .buffer = to};
    struct page *page = NULL;
    part.length = (size_t)vmf_min(length, PAGE_SIZE - part.skip);
    if (!cache_hit(cache, io, &part, &page)) {
      if (page)
        VMF_TRY(cache_fill(cache, io, &part, page, error));
      else
        VMF_TRY(vmf_io_pread(io, to, part.length, offset, error));
    }
    to += part.length;
    offset += part.length;
    length -= part.length;
  }
  return VMF_OK;
}

void vmf_page_cache_drop(struct vmf_page_cache *cache, const struct vmf_io *io)
{
  if (!cache)
    return;
  pthread_mutex_lock(&cache->lock);
  for (size_t i = 0; i < cache->page_count; i++)
    if (cache->pages[i].io == io)
      cache_forget(cache, &cache->pages[i]);
  pthread_mutex_unlock(&cache->lock);
}
