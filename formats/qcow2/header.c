/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of QCOW2: decoded, then checked as a whole, before anything else of the file is
 * looked at (spec: "Header"). */
#include <inttypes.h>

#include "bytes.h"
#include "memory.h"
#include "qcow2_reader.h"

/* raw: QCOW2_HEADER_WRITTEN bytes, zeros behind the end of the file. */
static void decode_header(const uint8_t *raw, struct qcow2_header *header)
{
  header->version = get_be32(raw + QCOW2_VERSION_AT);
  header->backing_offset = get_be64(raw + QCOW2_BACKING_OFFSET_AT);
  header->backing_size = get_be32(raw + QCOW2_BACKING_SIZE_AT);
  header->cluster_bits = get_be32(raw + QCOW2_CLUSTER_BITS_AT);
  header->size = get_be64(raw + QCOW2_SIZE_AT);
  header->crypt_method = get_be32(raw + QCOW2_CRYPT_METHOD_AT);
  header->l1_size = get_be32(raw + QCOW2_L1_SIZE_AT);
  header->l1_offset = get_be64(raw + QCOW2_L1_OFFSET_AT);
  header->reftable_offset = get_be64(raw + QCOW2_REFTABLE_OFFSET_AT);
  header->reftable_clusters = get_be32(raw + QCOW2_REFTABLE_CLUSTERS_AT);
  header->snapshot_count = get_be32(raw + QCOW2_SNAPSHOT_COUNT_AT);
  header->snapshots_offset = get_be64(raw + QCOW2_SNAPSHOTS_OFFSET_AT);
  header->refcount_order = QCOW2_V2_REFCOUNT_ORDER;
  header->header_length = QCOW2_HEADER_V2;
  if (header->version < 3)
    return;
  header->incompatible = get_be64(raw + QCOW2_INCOMPATIBLE_AT);
  header->compatible = get_be64(raw + QCOW2_COMPATIBLE_AT);
  header->autoclear = get_be64(raw + QCOW2_AUTOCLEAR_AT);
  header->refcount_order = get_be32(raw + QCOW2_REFCOUNT_ORDER_AT);
  header->header_length = get_be32(raw + QCOW2_HEADER_LENGTH_AT);
  if (header->header_length > QCOW2_COMPRESSION_TYPE_AT)
    header->compression_type = raw[QCOW2_COMPRESSION_TYPE_AT];
}

/* What must hold before the rest of the first cluster can be read. */
static enum vmf_code check_layout(const struct vmf_image *image, const struct qcow2_header *header,
                                  struct vmf_error *error)
{
  const char *name = image->io->name;
  uint64_t size = image->io->size;
  if (header->version != 2 && header->version != 3)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: header: version %" PRIu32 ", supported are 2 and 3", name,
                    header->version);
  if (header->cluster_bits < QCOW2_CLUSTER_BITS_MIN ||
      header->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: cluster_bits %" PRIu32 ", accepted are %d to %d", name,
                    header->cluster_bits, QCOW2_CLUSTER_BITS_MIN, QCOW2_CLUSTER_BITS_MAX);
  if (header->version == 2)
    return VMF_OK;
  if (size < QCOW2_HEADER_V3)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the file has %" PRIu64 " bytes, a version 3 header has at least %d", name,
                    size, QCOW2_HEADER_V3);
  if (header->header_length < QCOW2_HEADER_V3 || header->header_length % 8 != 0 ||
      header->header_length > UINT32_C(1) << header->cluster_bits)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: header_length %" PRIu32
                    ", accepted are multiples of 8 from %d to the cluster size %" PRIu32,
                    name, header->header_length, QCOW2_HEADER_V3,
                    UINT32_C(1) << header->cluster_bits);
  if (header->header_length > size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the file has %" PRIu64 " bytes, its header has %" PRIu32, name, size,
                    header->header_length);
  if (header->refcount_order > QCOW2_REFCOUNT_ORDER_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: refcount_order %" PRIu32 ", accepted are 0 to %d", name,
                    header->refcount_order, QCOW2_REFCOUNT_ORDER_MAX);
  return VMF_OK;
}

static enum vmf_code check_features(const struct vmf_image *image,
                                    const struct qcow2_header *header, const uint8_t *bytes,
                                    size_t length, struct vmf_error *error)
{
  const char *name = image->io->name;
  uint64_t unknown = header->incompatible & ~QCOW2_INCOMPATIBLE_KNOWN;
  if (unknown != 0) {
    unsigned bit = (unsigned)__builtin_ctzll(unknown);
    char feature[QCOW2_FEATURE_NAME_LENGTH + 1];
    qcow2_feature_name(bytes, length, header->header_length, bit, feature);
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: header: incompatible feature bit %u%s%s%s is set, which is not supported",
                    name, bit, feature[0] != '\0' ? " (" : "", feature,
                    feature[0] != '\0' ? ")" : "");
  }
  if ((header->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: the corrupt bit is set: a program found the image damaged; "
                    "repair a copy of it with \"qemu-img check -r all\"",
                    name);
  if (header->crypt_method > QCOW2_CRYPT_LUKS)
    return vmf_fail(error, VMF_CORRUPT, "%s: header: crypt_method %" PRIu32 ", known are 0 to 2",
                    name, header->crypt_method);
  return VMF_OK;
}

static enum vmf_code check_compression(const struct vmf_image *image,
                                       const struct qcow2_header *header, struct vmf_error *error)
{
  bool other = (header->incompatible & QCOW2_INCOMPATIBLE_COMPRESSION) != 0;
  if (other != (header->compression_type != QCOW2_COMPRESSION_ZLIB))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: compression_type %u with the compression feature bit %s",
                    image->io->name, header->compression_type, other ? "set" : "clear");
  if (header->compression_type > QCOW2_COMPRESSION_ZSTD)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: header: compression_type %u, supported are 0 (zlib) and 1 (zstd)",
                    image->io->name, header->compression_type);
  if ((header->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2) != 0 &&
      header->cluster_bits < QCOW2_CLUSTER_BITS_MIN_EXTENDED)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: extended L2 entries with cluster_bits %" PRIu32
                    ", accepted are %d to %d",
                    image->io->name, header->cluster_bits, QCOW2_CLUSTER_BITS_MIN_EXTENDED,
                    QCOW2_CLUSTER_BITS_MAX);
  return VMF_OK;
}

enum vmf_code qcow2_check_l1(const struct vmf_image *image, const char *what, uint64_t offset,
                             uint32_t entries, uint64_t size, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const char *name = image->io->name;
  uint64_t bytes = (uint64_t)entries * QCOW2_L1_ENTRY;
  uint64_t needed = vmf_div_up(size, (uint64_t)state->cluster_size << state->l2_bits);
  if (bytes > QCOW2_L1_BYTES_MAX || bytes > image->limits->table_bytes)
    return vmf_fail(
        error, VMF_LIMIT, "%s: %s: %" PRIu32 " entries, at most %" PRIu64 " are accepted", name,
        what, entries, vmf_min(QCOW2_L1_BYTES_MAX, image->limits->table_bytes) / QCOW2_L1_ENTRY);
  if (entries < needed)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %s: %" PRIu32 " entries, a disk of %" PRIu64 " bytes needs %" PRIu64, name,
                    what, entries, size, needed);
  if (entries == 0)
    return VMF_OK;
  if (offset == 0 || offset % state->cluster_size != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %s: at byte %" PRIu64 ", expected a multiple of the cluster size %" PRIu32,
                    name, what, offset, state->cluster_size);
  if (!vmf_range_within(offset, bytes, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %s: %" PRIu64 " bytes at byte %" PRIu64
                    ", beyond the end of the file (%" PRIu64 " bytes)",
                    name, what, bytes, offset, image->io->size);
  return VMF_OK;
}

static enum vmf_code check_reftable(const struct vmf_image *image,
                                    const struct qcow2_header *header, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const char *name = image->io->name;
  uint64_t bytes = (uint64_t)header->reftable_clusters << header->cluster_bits;
  if (bytes == 0 || bytes > QCOW2_REFTABLE_BYTES_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: refcount table of %" PRIu32 " clusters, accepted are 1 to %d",
                    name, header->reftable_clusters,
                    QCOW2_REFTABLE_BYTES_MAX >> header->cluster_bits);
  if (header->reftable_offset == 0 || header->reftable_offset % state->cluster_size != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: refcount table at byte %" PRIu64
                    ", expected a multiple of the cluster size %" PRIu32,
                    name, header->reftable_offset, state->cluster_size);
  if (!vmf_range_within(header->reftable_offset, bytes, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: refcount table of %" PRIu64 " bytes at byte %" PRIu64
                    ", beyond the end of the file (%" PRIu64 " bytes)",
                    name, bytes, header->reftable_offset, image->io->size);
  return VMF_OK;
}

static enum vmf_code check_header(const struct vmf_image *image, const struct qcow2_header *header,
                                  struct vmf_error *error)
{
  const char *name = image->io->name;
  const struct qcow2_state *state = image->state;
  if (header->size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: header: a disk of %" PRIu64 " bytes, at most %" PRIu64 " are accepted",
                    name, header->size, image->limits->guest_size);
  VMF_TRY(check_compression(image, header, error));
  VMF_TRY(
      qcow2_check_l1(image, "L1 table", header->l1_offset, header->l1_size, header->size, error));
  VMF_TRY(check_reftable(image, header, error));
  if (header->snapshot_count > image->limits->snapshots)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: header: %" PRIu32 " snapshots, at most %" PRIu32 " are accepted", name,
                    header->snapshot_count, image->limits->snapshots);
  if (header->snapshot_count > 0 && (header->snapshots_offset % state->cluster_size != 0 ||
                                     header->snapshots_offset >= image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: snapshot table at byte %" PRIu64
                    ", expected a multiple of the cluster size %" PRIu32
                    " below the end of the file (%" PRIu64 ")",
                    name, header->snapshots_offset, state->cluster_size, image->io->size);
  return VMF_OK;
}

static enum vmf_code read_backing_name(struct vmf_image *image, const uint8_t *bytes, size_t length,
                                       struct vmf_error *error)
{
  struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;
  const char *name = image->io->name;
  if (header->backing_offset == 0)
    return VMF_OK;
  if (header->backing_size == 0 || header->backing_size > QCOW2_BACKING_NAME_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: backing file name of %" PRIu32 " bytes, accepted are 1 to %d",
                    name, header->backing_size, QCOW2_BACKING_NAME_MAX);
  if (header->backing_offset < header->header_length ||
      !vmf_range_within(header->backing_offset, header->backing_size, length))
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: header: backing file name of %" PRIu32 " bytes at byte %" PRIu64
        ", expected between the header (%" PRIu32 " bytes) and the end of the first cluster (%zu)",
        name, header->backing_size, header->backing_offset, header->header_length, length);
  const uint8_t *text = bytes + header->backing_offset;
  if (memchr(text, 0, header->backing_size) != NULL)
    return vmf_fail(error, VMF_CORRUPT, "%s: header: a zero byte in the backing file name", name);
  VMF_TRY(vmf_copy_bytes(text, header->backing_size, &image->parent_link.names[0], error));
  image->parent_link.count = 1;
  image->parent_link.format = state->extensions.backing_format;
  state->extensions.backing_format = NULL;
  return VMF_OK;
}

static enum vmf_code check_data_file(const struct vmf_image *image, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;
  const char *name = image->io->name;
  if ((header->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE) == 0)
    return VMF_OK;
  if (state->extensions.data_file == NULL)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: header: the data is in another file, which is not named", name);
  if ((header->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW) != 0 && header->backing_offset != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: header: a raw external data file and a backing file",
                    name);
  if (header->snapshot_count != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: header: an external data file and %" PRIu32 " internal snapshots", name,
                    header->snapshot_count);
  return VMF_OK;
}

static void set_geometry(struct vmf_image *image)
{
  struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;
  state->extended = (header->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2) != 0;
  state->cluster_size = UINT32_C(1) << header->cluster_bits;
  state->l2_entry = state->extended ? QCOW2_L2_EXTENDED_ENTRY : QCOW2_L2_ENTRY;
  state->l2_bits = header->cluster_bits - vmf_log2(state->l2_entry);
  state->codec =
      header->compression_type == QCOW2_COMPRESSION_ZSTD ? VMF_CODEC_ZSTD : VMF_CODEC_DEFLATE_4K;
  state->l1_offset = header->l1_offset;
  state->l1_size = header->l1_size;
  image->size = header->size;
  image->unit = state->cluster_size;
}

enum vmf_code qcow2_read_header(struct vmf_image *image, struct vmf_error *error)
{
  struct qcow2_state *state = image->state;
  struct qcow2_header *header = &state->header;
  uint64_t size = image->io->size;
  if (size < QCOW2_HEADER_V2)
    return vmf_fail(error, VMF_CORRUPT, "%s: the file has %" PRIu64 " bytes, a header has %d",
                    image->io->name, size, QCOW2_HEADER_V2);
  uint8_t raw[QCOW2_HEADER_WRITTEN] = {0};
  VMF_TRY(vmf_io_pread(image->io, raw, (size_t)vmf_min(sizeof raw, size), 0, error));
  if (get_be32(raw + QCOW2_MAGIC_AT) != QCOW2_MAGIC)
    return vmf_fail(error, VMF_CORRUPT, "%s: header: magic 0x%08" PRIx32 ", expected 0x%08" PRIx32,
                    image->io->name, get_be32(raw + QCOW2_MAGIC_AT), QCOW2_MAGIC);
  decode_header(raw, header);
  VMF_TRY(check_layout(image, header, error));
  set_geometry(image);

  size_t length = (size_t)vmf_min(state->cluster_size, size);
  VMF_AUTO_FREE void *first = NULL; /* the first cluster, as far as the file has it */
  VMF_TRY(vmf_alloc(length, &first, error));
  VMF_TRY(vmf_io_pread(image->io, first, length, 0, error));
  size_t area = header->backing_offset != 0 ? (size_t)vmf_min(header->backing_offset, length)
                                            : length; /* of the extensions */
  VMF_TRY(check_features(image, header, first, area, error));
  VMF_TRY(check_header(image, header, error));
  VMF_TRY(qcow2_read_extensions(image, first, area, &state->extensions, error));
  VMF_TRY(check_data_file(image, error));
  return read_backing_name(image, first, length, error);
}
