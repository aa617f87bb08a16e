/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A remote file as an io. What a name is asked for several times on the way to a disk (is it a
 * package, a machine, a part of a split disk?) is one file, opened once. */
#include "remote_io.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "carriers.h"
#include "digest.h"
#include "memory.h"
#include "path.h"
#include "tries.h"
#include "url.h"

enum {
  OPEN_TRIES = 5,     /* the name may be wrong */
  KEPT_MOST = 4,      /* files that nobody has open */
  KEPT_MS = 5 * 1000, /* so long behind the last close it is the same file when opened again */
};

static struct {
  pthread_mutex_t lock; /* guards the list, and `next`, `users`, `left` of its files */
  struct vmf_remote *first;
} files = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct remote_io {
  struct vmf_io io;
  struct vmf_remote *remote; /* used */
};

/* ---- the list ---- */

static bool is_stale(struct vmf_remote *remote)
{
  pthread_mutex_lock(&remote->lock);
  bool stale = remote->stale;
  pthread_mutex_unlock(&remote->lock);
  return stale;
}

/* Takes what is kept too long, or is too much, out of the list, which is locked. Returns it. */
static struct vmf_remote *take_old(void)
{
  struct vmf_remote **link = &files.first, *old = NULL;
  unsigned kept = 0;

  while (*link) {
    struct vmf_remote *remote = *link;
    bool unused = remote->users == 0;
    kept += unused;
    if (unused &&
        (kept > KEPT_MOST || vmf_tries_now() > remote->left + KEPT_MS || is_stale(remote))) {
      *link = remote->next;
      remote->next = old;
      old = remote;
    } else {
      link = &remote->next;
    }
  }
  return old;
}

static void free_list(struct vmf_remote *remote)
{
  while (remote) {
    struct vmf_remote *next = remote->next;
    vmf_remote_free(remote);
    remote = next;
  }
}

static struct vmf_remote *use_open(const char *name)
{
  pthread_mutex_lock(&files.lock);
  struct vmf_remote *old = take_old(), *remote = files.first;
  while (remote && (strcmp(remote->name, name) != 0 || is_stale(remote)))
    remote = remote->next;
  if (remote)
    remote->users++;
  pthread_mutex_unlock(&files.lock);
  free_list(old);
  return remote;
}

static void add(struct vmf_remote *remote)
{
  pthread_mutex_lock(&files.lock);
  remote->users = 1;
  remote->next = files.first;
  files.first = remote;
  pthread_mutex_unlock(&files.lock);
}

/* Its threads end under the lock: nobody opens it meanwhile. */
static void leave(struct vmf_remote *remote)
{
  pthread_mutex_lock(&files.lock);
  if (--remote->users == 0)
    vmf_remote_rest(remote);
  remote->left = vmf_tries_now();
  struct vmf_remote *old = take_old();
  pthread_mutex_unlock(&files.lock);
  free_list(old);
}

/* ---- the io ---- */

static enum vmf_code remote_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  return vmf_remote_read(((struct remote_io *)io)->remote, buffer, length, offset, error);
}

static enum vmf_code remote_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                      uint64_t *end, struct vmf_error *error)
{
  return vmf_remote_next_data(((struct remote_io *)io)->remote, offset, start, end, error);
}

static enum vmf_code remote_choose_bitmap(struct vmf_io *io, const char *name,
                                          struct vmf_error *error)
{
  return vmf_remote_choose_bitmap(((struct remote_io *)io)->remote, name, error);
}

static enum vmf_code remote_next_marked(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                        uint64_t *end, struct vmf_error *error)
{
  return vmf_remote_next_marked(((struct remote_io *)io)->remote, offset, start, end, error);
}

static void remote_close(struct vmf_io *io)
{
  leave(((struct remote_io *)io)->remote);
  vmf_free(io->name);
  vmf_free(io);
}

static const struct vmf_io_ops remote_ops = {
    .kind = "remote file",
    .pread = remote_pread,
    .next_data = remote_next_data,
    .choose_bitmap = remote_choose_bitmap,
    .next_marked = remote_next_marked,
    .close = remote_close,
};

bool vmf_remote_id(const struct vmf_io *io, uint64_t *id)
{
  if (io->ops != &remote_ops)
    return false;
  *id = ((const struct remote_io *)io)->remote->id;
  return true;
}

const char *vmf_remote_version(const struct vmf_io *io)
{
  return io->ops == &remote_ops ? ((const struct remote_io *)io)->remote->transport->version : NULL;
}

/* ---- opening ---- */

static enum vmf_code open_transport(const char *name, struct vmf_transport **transport,
                                    struct vmf_error *error)
{
  VMF_AUTO_FREE char *url = NULL;
  struct vmf_tries tries = {0};
  struct vmf_attempt attempt;
  enum vmf_code code;

  VMF_TRY(vmf_url_whole(name, &url, error));
  do {
    attempt = (struct vmf_attempt){0};
    code = vmf_url_is_nbd(url) ? vmf_nbd_open(url, name, transport, &attempt, error)
                               : vmf_http_open(url, name, transport, &attempt, error);
    if (attempt.most_tries == 0)
      attempt.most_tries = OPEN_TRIES;
  } while (code != VMF_OK && vmf_tries_again(&tries, &attempt, NULL, error));
  return code == VMF_OK ? VMF_OK : error->code;
}

/* The same whenever the file is opened, as long as its server tells no other version of it. */
static enum vmf_code identify(struct vmf_remote *remote, struct vmf_error *error)
{
  const struct vmf_transport *transport = remote->transport;
  VMF_AUTO_FREE char *text = NULL;
  uint8_t digest[VMF_DIGEST_MAX];

  VMF_TRY(vmf_format(&text, error, "%s\n%s\n%" PRIu64, remote->name,
                     transport->version ? transport->version : "", transport->size));
  VMF_TRY(vmf_digest_bytes(VMF_SHA256, text, strlen(text), digest, error));
  memcpy(&remote->id, digest, sizeof remote->id);
  return VMF_OK;
}

static enum vmf_code open_new(const char *name, struct vmf_remote **remote, struct vmf_error *error)
{
  struct vmf_transport *transport;
  struct vmf_remote *made;
  struct vmf_error why = {0};

  if (open_transport(name, &transport, &why) != VMF_OK)
    return vmf_fail_again(&why, error);
  VMF_TRY(vmf_remote_new(transport, name, &made, error));
  enum vmf_code code = identify(made, error);
  if (code != VMF_OK) {
    vmf_remote_free(made);
    return code;
  }
  add(made);
  *remote = made;
  return VMF_OK;
}

enum vmf_code vmf_remote_open(const char *name, struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL, *url = NULL;
  void *memory;

  VMF_TRY(vmf_url_resolve(name, &url, error));
  VMF_TRY(vmf_copy_bytes(url, vmf_url_length(url), &copy, error));
  VMF_TRY(vmf_alloc(sizeof(struct remote_io), &memory, error));
  struct remote_io *opened = memory;
  opened->remote = use_open(copy);
  enum vmf_code code = opened->remote ? VMF_OK : open_new(copy, &opened->remote, error);
  if (code != VMF_OK) {
    vmf_free(memory);
    return code;
  }
  opened->io = (struct vmf_io){.ops = &remote_ops,
                               .name = copy,
                               .size = opened->remote->transport->size,
                               .device = vmf_url_is_nbd(name)};
  copy = NULL;
  *io = &opened->io;
  return VMF_OK;
}

/* ---- what comes as a whole ---- */

bool vmf_remote_comes_whole(const struct vmf_io *io)
{
  return io->ops == &remote_ops &&
         ((const struct remote_io *)io)->remote->transport->ops->stream != NULL;
}

enum vmf_code vmf_remote_stream(const struct vmf_io *io, struct vmf_io **stream,
                                struct vmf_error *error)
{
  struct vmf_io *own;

  VMF_TRY(vmf_remote_open(io->name, &own, error));
  struct vmf_transport *transport = ((struct remote_io *)own)->remote->transport;
  if (transport->ops->stream)
    return transport->ops->stream(transport, own, stream, error);
  vmf_io_close(own);
  return vmf_fail(error, VMF_CHANGED, "%s: changed on the server while it was read", io->name);
}

/* ---- names ---- */

int vmf_name_stat(const char *name, struct stat *status)
{
  if (!vmf_url_is(name))
    return stat(name, status);
  *status = (struct stat){.st_mode = S_IFREG | 0444};
  errno = ENOENT;
  return name[vmf_url_length(name)] == '\0' ? 0 : -1;
}

enum vmf_code vmf_name_check_here(const char *name, struct vmf_error *error)
{
  return vmf_url_is(name)
             ? vmf_fail(error, VMF_USAGE,
                        "%s: is on another machine, where nothing is changed; fetch it "
                        "first (curl -O, nbdcopy)",
                        name)
             : VMF_OK;
}

bool vmf_name_is_there(const char *name)
{
  struct vmf_error error = {0};
  struct stat status;
  struct vmf_io *io;

  if (!vmf_url_is(name))
    return lstat(name, &status) == 0;
  if (vmf_remote_open(name, &io, &error) != VMF_OK)
    return error.sys_errno != ENOENT;
  vmf_io_close(io);
  return true;
}

bool vmf_name_has_beside(const char *name, const char *beside)
{
  VMF_AUTO_FREE char *path = NULL;

  if (vmf_url_is(name) ? vmf_url_beside(name, beside, &path, NULL) != VMF_OK
                       : vmf_path_beside(name, beside, &path, NULL) != VMF_OK)
    return true;
  return vmf_name_is_there(path);
}
