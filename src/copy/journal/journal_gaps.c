/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What stands in the files of an interrupted run beside the blocks that its journal tells of. Holes
 * of the disk have no block, and no digest: they are what nobody has written. So what is not zeros
 * there becomes zeros, which costs a look at the map of the file where all is well. Tables that
 * `place` writes between the blocks are written by it once more. */
#include <string.h>

#include "checked.h"
#include "file.h"
#include "journal_inside.h"
#include "memory.h"
#include "zero.h"

/* A range that the file system calls data. Reading ends with the first byte that is none of zeros:
 * then nothing of the range is what it was. */
static enum vmf_code clear_data(const struct vmf_journal *journal, struct vmf_io *io,
                                uint64_t start, uint64_t end, uint8_t *buffer,
                                struct vmf_error *error)
{
  size_t step = 0;
  bool zero = true;

  for (; zero && start < end; start += zero ? step : 0) {
    step = (size_t)vmf_min(end - start, JOURNAL_STEP);
    VMF_TRY(vmf_io_pread(io, buffer, step, start, error));
    zero = vmf_is_zero(buffer, step);
  }
  if (zero)
    return VMF_OK;
  vmf_io_keep(io, false);
  enum vmf_code code =
      vmf_io_zero(io, start, end - start, journal->copy->target->shape.reserves, error);
  vmf_io_keep(io, true);
  return code;
}

static enum vmf_code clear(const struct vmf_journal *journal, struct vmf_io *io, uint64_t from,
                           uint64_t to, uint8_t *buffer, struct vmf_error *error)
{
  uint64_t start, end;

  for (to = vmf_min(to, io->size); from < to; from = end) {
    VMF_TRY(vmf_io_next_data(io, from, &start, &end, error));
    if (start >= to)
      break;
    end = vmf_min(end, to);
    VMF_TRY(clear_data(journal, io, vmf_max(start, from), end, buffer, error));
  }
  return VMF_OK;
}

/* What stood on a device before stays there, but for the zeros of a raw disk, which are written. */
static bool keeps_others(const struct vmf_journal *journal, const struct vmf_io *io)
{
  return io->device && journal->copy->target->shape.layout != VMF_FIXED;
}

/* ---- between the blocks ---- */

/* What begin has written is as it is to be. */
static enum vmf_code begin_file(struct vmf_journal *journal, size_t file, struct vmf_io *io,
                                uint8_t *buffer, struct vmf_error *error)
{
  uint64_t start, end;

  vmf_io_rewritten(io, &start, &end);
  journal->reached[file] = journal->reaching[file] = end;
  return keeps_others(journal, io) ? VMF_OK : clear(journal, io, 0, start, buffer, error);
}

enum vmf_code vmf_journal_gaps_begin(struct vmf_journal *journal, uint8_t *buffer,
                                     struct vmf_error *error)
{
  struct vmf_io *io;
  void *memory;

  while (vmf_journal_file(journal, journal->reached_count))
    journal->reached_count++;
  VMF_TRY(vmf_alloc(2 * journal->reached_count * sizeof(uint64_t), &memory, error));
  journal->reached = memory;
  journal->reaching = journal->reached + journal->reached_count;
  for (size_t i = 0; (io = vmf_journal_file(journal, i)) != NULL; i++)
    VMF_TRY(begin_file(journal, i, io, buffer, error));
  return VMF_OK;
}

/* Units that are packed may fill up what others left before them. */
static enum vmf_code clear_before(const struct vmf_journal *journal, size_t file,
                                  const struct vmf_block *block, uint8_t *buffer,
                                  struct vmf_error *error)
{
  if (journal->copy->target->shape.layout == VMF_ORDERED || keeps_others(journal, block->io))
    return VMF_OK;
  return clear(journal, block->io, journal->reaching[file], block->host, buffer, error);
}

enum vmf_code vmf_journal_clear_gap(struct vmf_journal *journal, const struct vmf_block *block,
                                    bool hole, uint8_t *buffer, struct vmf_error *error)
{
  uint64_t front = block->host + block->head_length;
  uint64_t data = hole ? front : front + block->data_length;
  uint64_t tail = front + block->data_length + block->zeros, *reaching;
  size_t file = 0;

  while (vmf_journal_file(journal, file) != block->io)
    file++;
  reaching = &journal->reaching[file];
  VMF_TRY(clear_before(journal, file, block, buffer, error));
  VMF_TRY(clear(journal, block->io, data, tail, buffer, error));
  *reaching = vmf_max(*reaching, tail + block->tail_length);
  return VMF_OK;
}

void vmf_journal_gaps_settle(struct vmf_journal *journal)
{
  memcpy(journal->reached, journal->reaching, journal->reached_count * sizeof(uint64_t));
}

enum vmf_code vmf_journal_clear_rest(struct vmf_journal *journal, uint64_t done, uint8_t *buffer,
                                     struct vmf_error *error)
{
  for (size_t i = 0; i < journal->reached_count; i++) {
    struct vmf_io *io = vmf_journal_file(journal, i);
    uint64_t end = io->device ? done : io->size;
    if (!keeps_others(journal, io))
      VMF_TRY(clear(journal, io, journal->reached[i], end, buffer, error));
  }
  return VMF_OK;
}
