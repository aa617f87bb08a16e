/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "crate.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"

struct crate {
  uint8_t *table;
  size_t table_size;
  uint64_t end; /* where the next unit goes */
  bool promised;
};

static enum vmf_code crate_shape(const void *values, uint64_t guest_size, bool compress,
                                 bool backing, struct vmf_shape *shape, struct vmf_error *error)
{
  const struct crate_options *options = values;

  (void)guest_size;
  (void)compress;
  (void)backing;
  (void)error;
  *shape = (struct vmf_shape){.layout = VMF_PLANNED,
                              .unit = options->unit,
                              .head_bytes = CRATE_HEAD,
                              .tail_bytes = options->sealed ? CRATE_TAIL : 0,
                              .digest = options->sealed ? VMF_BLOCK_SHA1 : VMF_BLOCK_DIGEST_NONE};
  return VMF_OK;
}

static uint64_t unit_bytes(const struct vmf_shape *shape)
{
  return (uint64_t)shape->head_bytes + shape->unit + shape->tail_bytes;
}

static uint64_t first_unit(uint64_t guest_size, uint32_t unit)
{
  return vmf_align_up(CRATE_TABLE + 8 * vmf_div_up(guest_size, unit), 4096);
}

static enum vmf_code crate_measure(const void *options, const struct vmf_shape *shape,
                                   uint64_t guest_size, const struct vmf_plan *plan,
                                   uint64_t *bytes, struct vmf_error *error)
{
  uint64_t units = plan ? 0 : vmf_div_up(guest_size, shape->unit), start, end;

  (void)options;
  for (uint64_t guest = 0; plan && guest < guest_size; guest = end) {
    VMF_TRY(vmf_plan_next(plan, guest, &start, &end, error));
    units += vmf_div_up(end - start, shape->unit);
  }
  *bytes = first_unit(guest_size, shape->unit) + units * unit_bytes(shape);
  return VMF_OK;
}

static void give_place(struct vmf_target *target, uint64_t guest)
{
  struct crate *crate = target->state;

  put_be64(crate->table + guest / target->shape.unit * 8, crate->end);
  crate->end += unit_bytes(&target->shape);
}

static enum vmf_code write_table(const struct vmf_target *target, struct vmf_error *error)
{
  const struct crate *crate = target->state;

  return vmf_io_pwrite(target->io, crate->table, crate->table_size, CRATE_TABLE, error);
}

static enum vmf_code crate_begin(struct vmf_target *target, const struct vmf_plan *plan,
                                 struct vmf_error *error)
{
  struct crate *crate = target->state;
  uint64_t start, end, first;
  void *memory;

  crate->table_size = 8 * (size_t)vmf_div_up(target->guest_size, target->shape.unit);
  VMF_TRY(vmf_alloc(crate->table_size, &memory, error));
  crate->table = memory;
  first = crate->end = first_unit(target->guest_size, target->shape.unit);
  crate->promised = plan != NULL;
  for (uint64_t guest = 0; plan && guest < target->guest_size; guest = end) {
    VMF_TRY(vmf_plan_next(plan, guest, &start, &end, error));
    for (uint64_t unit = start; unit < end; unit += target->shape.unit)
      give_place(target, unit);
  }
  crate->end = first;
  return plan ? write_table(target, error) : VMF_OK;
}

static enum vmf_code crate_wrap(const struct vmf_target *target, struct vmf_block *block,
                                struct vmf_error *error)
{
  (void)error;
  memset(block->head, 0xcc, CRATE_HEAD);
  put_be64(block->head, block->guest);
  block->head_length = CRATE_HEAD;
  block->zeros = (uint32_t)(target->shape.unit - block->data_length);
  if (target->shape.tail_bytes == 0)
    return VMF_OK;
  memset(block->tail, 0xcc, CRATE_TAIL);
  if (block->digest)
    memcpy(block->tail, block->digest, 20);
  block->tail_length = CRATE_TAIL;
  return VMF_OK;
}

static enum vmf_code crate_place(struct vmf_target *target, struct vmf_block *block,
                                 struct vmf_error *error)
{
  struct crate *crate = target->state;

  (void)error;
  block->host = crate->end;
  give_place(target, block->guest);
  return VMF_OK;
}

static enum vmf_code crate_finish(struct vmf_target *target, struct vmf_error *error)
{
  const struct crate *crate = target->state;

  return crate->promised ? VMF_OK : write_table(target, error);
}

static void crate_release(struct vmf_target *target)
{
  struct crate *crate = target->state;

  vmf_free(crate->table);
}

static const struct vmf_writer crate_writer = {
    .state_size = sizeof(struct crate),
    .shape = crate_shape,
    .measure = crate_measure,
    .begin = crate_begin,
    .wrap = crate_wrap,
    .place = crate_place,
    .finish = crate_finish,
    .release = crate_release,
};

const struct vmf_format crate_format = {.name = "crate", .writer = &crate_writer};
