/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * vmferry/confinement.h: Landlock first, since making its rules opens places; then seccomp. */
#include <stdlib.h>

#include "allowed_places.h"
#include "caller.h"
#include "refused_calls.h"
#include "vmferry.h"

enum vmf_code vmf_confinement_offered(struct vmf_confinement *confinement, struct vmf_error *error)
{
  struct vmf_confinement own;

  VMF_REQUIRE(confinement, error);
  VMF_TRY(vmf_take_confinement(confinement, &own, error));
  own.landlock = vmf_landlock_abi();
  own.reads = own.landlock > 0;
  own.writes = own.landlock >= VMF_LANDLOCK_WRITES;
  own.calls = vmf_refused_calls_offered(&own.calls_miss);
  vmf_give_confinement(&own, confinement);
  return VMF_OK;
}

static bool names_network(const struct vmf_confinement_options *options)
{
  return vmf_names_network(options->read) || vmf_names_network(options->write);
}

static enum vmf_code allow_all(const struct vmf_landlock *landlock,
                               const struct vmf_confinement_options *options,
                               struct vmf_error *error)
{
  VMF_TRY(vmf_allow_system(landlock, error));
  if (names_network(options))
    VMF_TRY(vmf_allow_network(landlock, error));
  VMF_TRY(vmf_allow_names(landlock, options->read, VMF_ACCESS_READ, error));
  return vmf_allow_names(landlock, options->write, VMF_ACCESS_WRITE, error);
}

static enum vmf_code confine_files(const struct vmf_confinement_options *options,
                                   struct vmf_confinement *done, struct vmf_error *error)
{
  struct vmf_landlock landlock;

  if (!done->reads && !done->writes)
    return VMF_OK;
  VMF_TRY(
      vmf_landlock_start(done->landlock, done->reads, names_network(options), &landlock, error));
  enum vmf_code code = allow_all(&landlock, options, error);
  if (code == VMF_OK)
    code = vmf_landlock_close(&landlock, error);
  vmf_landlock_clear(&landlock);
  return code;
}

static bool writes_anything(const struct vmf_confinement_options *options)
{
  return options->write && *options->write;
}

enum vmf_code vmf_confine(const struct vmf_confinement_options *options,
                          struct vmf_confinement *done, struct vmf_error *error)
{
  struct vmf_confinement_options own;
  struct vmf_confinement now = {.size = sizeof now}, given;

  VMF_REQUIRE(options, error);
  VMF_TRY(vmf_take_confinement_options(options, &own, error));
  if (done)
    VMF_TRY(vmf_take_confinement(done, &given, error));
  VMF_TRY(vmf_confinement_offered(&now, error));
  if (own.landlock_abi > 0 && own.landlock_abi < now.landlock)
    now.landlock = own.landlock_abi;
  now.writes = now.landlock >= VMF_LANDLOCK_WRITES;
  now.reads = !own.read_anything && (now.writes || (now.landlock > 0 && !writes_anything(&own)));
  enum vmf_code code = confine_files(&own, &now, error);
  if (now.calls && (code == VMF_OK || code == VMF_UNSUPPORTED))
    VMF_TRY(vmf_refuse_calls(names_network(&own), error));
  VMF_TRY(code);
  vmf_give_confinement(&now, done);
  return VMF_OK;
}
