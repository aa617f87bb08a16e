/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Tables of an image (L2 tables, grain tables, a BAT) are never loaded whole: they are read through
 * this cache of fixed size, one for all images of a chain, so memory does not grow with what a
 * header claims. */
#ifndef VMF_IO_PAGE_CACHE_H
#define VMF_IO_PAGE_CACHE_H

#include "io.h"

struct vmf_page_cache;

/* `bytes`: the bound on its memory. */
VMF_MUST_CHECK enum vmf_code vmf_page_cache_new(size_t bytes, struct vmf_page_cache **cache,
                                                struct vmf_error *error);
void vmf_page_cache_free(struct vmf_page_cache *cache);

/* Reads like vmf_io_pread, but through the cache: for small reads of tables. Any thread; its lock
 * is not held across I/O. cache == NULL: reads directly. */
VMF_MUST_CHECK enum vmf_code vmf_page_cache_pread(struct vmf_page_cache *cache, struct vmf_io *io,
                                                  void *buffer, size_t length, uint64_t offset,
                                                  struct vmf_error *error);

/* Forgets the pages of an io that is about to be closed. */
void vmf_page_cache_drop(struct vmf_page_cache *cache, const struct vmf_io *io);

#endif
