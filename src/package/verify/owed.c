/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "owed.h"

#include "list.h"
#include "memory.h"
#include "package_checks.h"

enum vmf_code vmf_owed_add(struct vmf_owed *owed, const struct vmf_stored_key *key,
                           const struct vmf_manifest_entry *entry, struct vmf_error *error)
{
  struct vmf_owed_digest added = {.key = *key, .entry = *entry};

  VMF_TRY(VMF_LIST_ROOM(owed->digests, owed->count, owed->capacity, "digests", error));
  VMF_TRY(vmf_copy_text(entry->name, &added.entry.name, error));
  owed->digests[owed->count++] = added;
  return VMF_OK;
}

void vmf_owed_clear(struct vmf_owed *owed)
{
  for (size_t i = 0; i < owed->count; i++)
    vmf_free(owed->digests[i].entry.name);
  vmf_free(owed->digests);
  vmf_uses_clear(&owed->files);
  *owed = (struct vmf_owed){0};
}

static bool is_of(const struct vmf_owed_digest *digest, const struct vmf_stored_key *key)
{
  return digest->key.device == key->device && digest->key.number == key->number;
}

void vmf_owed_wanted(const struct vmf_owed *owed, const struct vmf_stored_key *key,
                     bool wanted[VMF_DIGEST_KINDS])
{
  for (size_t i = 0; i < owed->count; i++)
    if (is_of(&owed->digests[i], key))
      wanted[owed->digests[i].entry.kind] = true;
}

void vmf_owed_check(const struct vmf_owed *owed, const struct vmf_stored_key *key,
                    uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX], struct vmf_report *report)
{
  for (size_t i = 0; i < owed->count; i++)
    if (is_of(&owed->digests[i], key))
      vmf_verify_digest(&owed->digests[i].entry, digests[owed->digests[i].entry.kind], report);
}
