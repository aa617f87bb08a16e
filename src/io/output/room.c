/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "room.h"

#include <sys/quota.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checked.h"
#include "descriptor.h"

static void look_at_system(int number, struct vmf_room *room)
{
  static const struct {
    uint32_t type;
    bool shares;
  } exact[] = {{0xEF53 /* ext2, 3, 4 */, false},
               {0x01021994 /* tmpfs */, false},
               {0x58465342 /* XFS */, true}};
  struct statfs system;

  room->shares = true;
  for (size_t i = 0; fstatfs(number, &system) == 0 && i < sizeof exact / sizeof exact[0]; i++)
    if ((uint32_t)system.f_type == exact[i].type) {
      room->exact = true;
      room->shares = exact[i].shares;
    }
}

#ifdef SYS_quotactl_fd
/* Lessens *room by what a quota leaves: its hard limit is counted in blocks of 1024 bytes. */
static void look_at_quota(int number, int kind, unsigned id, struct vmf_room *room)
{
  struct dqblk quota = {0};
  uint64_t limit;

  if (syscall(SYS_quotactl_fd, number, QCMD((unsigned)Q_GETQUOTA, (unsigned)kind), id, &quota) <
          0 ||
      !(quota.dqb_valid & QIF_BLIMITS) || !(quota.dqb_valid & QIF_SPACE) ||
      quota.dqb_bhardlimit == 0 || !vmf_mul(quota.dqb_bhardlimit, 1024, &limit))
    return;
  uint64_t left = limit > quota.dqb_curspace ? limit - quota.dqb_curspace : 0;
  if (left >= room->bytes)
    return;
  room->bytes = left;
  room->quota = true;
}

/* Nothing bounds the superuser. */
static void look_at_quotas(int number, const struct stat *status, struct vmf_room *room)
{
  if (geteuid() == 0)
    return;
  look_at_quota(number, USRQUOTA, status->st_uid, room);
  look_at_quota(number, GRPQUOTA, status->st_gid, room);
}
#else
static void look_at_quotas(int number, const struct stat *status, struct vmf_room *room)
{
  (void)number;
  (void)status;
  (void)room;
}
#endif

bool vmf_io_room(const struct vmf_io *io, struct vmf_room *room)
{
  const struct vmf_descriptor *file = vmf_descriptor_of(io);
  struct statvfs space;
  uint64_t blocks;

  *room = (struct vmf_room){0};
  if (!file || !S_ISREG(file->status.st_mode) || fstatvfs(file->number, &space) < 0 ||
      space.f_blocks == 0)
    return false;
  blocks = geteuid() == 0 ? space.f_bfree : space.f_bavail;
  if (!vmf_mul(blocks, space.f_frsize, &room->bytes))
    return false;
  look_at_system(file->number, room);
  look_at_quotas(file->number, &file->status, room);
  (void)vmf_add(room->bytes, (uint64_t)file->status.st_blocks * 512, &room->bytes);
  return true;
}
