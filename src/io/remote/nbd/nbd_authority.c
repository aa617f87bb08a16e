/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where neither the URL nor a folder of libnbd's names an authority, the system's are meant; before
 * 1.18 libnbd loads these, and takes whatever certificate comes (CVE-2024-7383). */
#include "nbd_authority.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"
#include "remote_settings.h"

enum { CHECKS_MINOR = 18 };

static bool is_there(const char *above, const char *folder)
{
  VMF_AUTO_FREE char *path = NULL;

  return above && vmf_format(&path, NULL, "%s/%s/ca-cert.pem", above, folder) == VMF_OK &&
         access(path, R_OK) == 0;
}

/* For root libnbd does not look into a home. */
static bool has_authority(void)
{
  const char *home = geteuid() == 0 ? NULL : getenv("HOME");

  return is_there(home, ".pki/libnbd") || is_there(home, ".config/pki/libnbd") ||
         is_there("/etc", "pki/libnbd");
}

static bool takes_anybody(const char *version)
{
  unsigned major, minor;

  return version && sscanf(version, "%u.%u", &major, &minor) == 2 && major == 1 &&
         minor < CHECKS_MINOR;
}

void vmf_nbd_warn_of_anybody(struct nbd_handle *handle, const char *url, const char *name)
{
  static atomic_flag told = ATOMIC_FLAG_INIT;

  if (strncasecmp(url, "nbds:", 5) != 0 || strstr(url, "tls-certificates=") ||
      strstr(url, "tls-psk-file=") || !takes_anybody(vmf_nbd.nbd_get_version(handle)) ||
      has_authority() || atomic_flag_test_and_set(&told))
    return;
  vmf_warn(vmf_remote_settings()->log,
           "%s: nobody says that this is the server that is meant: libnbd %s takes any where no "
           "authority is named; expected tls-certificates=DIR in the URL, with ca-cert.pem in DIR",
           name, vmf_nbd.nbd_get_version(handle));
}
