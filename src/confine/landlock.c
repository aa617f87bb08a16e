/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Documentation/userspace-api/landlock.rst; include/uapi/linux/landlock.h. The numbers of the calls
 * are the same on every architecture. */
enum {
  CALL_CREATE_RULESET = 444,
  CALL_ADD_RULE = 445,
  CALL_RESTRICT_SELF = 446,
  CREATE_RULESET_VERSION = 1,
  RULE_PATH_BENEATH = 1,
};

enum {
  FS_EXECUTE = 1 << 0,
  FS_WRITE_FILE = 1 << 1,
  FS_READ_FILE = 1 << 2,
  FS_READ_DIR = 1 << 3,
  FS_REMOVE_DIR = 1 << 4,
  FS_REMOVE_FILE = 1 << 5,
  FS_MAKE_DIR = 1 << 7,
  FS_MAKE_REG = 1 << 8,
  FS_MAKE_ANY = 0x1fc0,   /* bits 6 to 12: every kind of file */
  FS_REFER = 1 << 13,     /* 2: into another folder */
  FS_TRUNCATE = 1 << 14,  /* 3 */
  FS_IOCTL_DEV = 1 << 15, /* 5: of devices that are opened from now on */
};

enum {
  FS_READING = FS_READ_FILE | FS_READ_DIR,
  FS_WRITING =
      FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_ANY | FS_REFER | FS_TRUNCATE,
  /* What an output does: files and folders, no links, sockets and devices. */
  FS_OUTPUT = FS_READING | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
              FS_MAKE_REG | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV,
  /* Of these a rule may have for a file that is no folder. */
  FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

enum { NET_BIND = 1, NET_CONNECT = 2 };

struct ruleset_attributes {
  uint64_t fs;
  uint64_t net;    /* 4: of TCP */
  uint64_t scoped; /* 6: bit 0 abstract sockets, bit 1 signals */
};

struct path_beneath {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

static uint64_t known_access(unsigned abi)
{
  uint64_t known = FS_REFER - 1;
  if (abi >= 2)
    known |= FS_REFER;
  if (abi >= 3)
    known |= FS_TRUNCATE;
  if (abi >= 5)
    known |= FS_IOCTL_DEV;
  return known;
}

static uint64_t handled_access(const struct vmf_landlock *landlock)
{
  uint64_t handled = FS_EXECUTE | FS_IOCTL_DEV;
  if (landlock->reads)
    handled |= FS_READING;
  if (landlock->writes)
    handled |= FS_WRITING;
  return handled & known_access(landlock->abi);
}

enum vmf_code vmf_refusal(int number)
{
  return number == ENOMEM || number == EMFILE || number == ENFILE ? VMF_SYSTEM : VMF_UNSUPPORTED;
}

unsigned vmf_landlock_abi(void)
{
  long version = syscall(CALL_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
  return version > 0 ? (unsigned)version : 0;
}

enum vmf_code vmf_landlock_start(unsigned abi, bool reads, bool network,
                                 struct vmf_landlock *landlock, struct vmf_error *error)
{
  *landlock =
      (struct vmf_landlock){.abi = abi, .reads = reads, .writes = abi >= VMF_LANDLOCK_WRITES};
  struct ruleset_attributes attributes = {.fs = handled_access(landlock),
                                          .net = abi < 4   ? 0
                                                 : network ? NET_BIND
                                                           : NET_BIND | NET_CONNECT,
                                          .scoped = abi >= 6 ? 3 : 0};
  size_t size = abi >= 6 ? sizeof attributes : abi >= 4 ? 16 : 8;
  landlock->ruleset = (int)syscall(CALL_CREATE_RULESET, &attributes, size, 0);
  if (landlock->ruleset < 0)
    return vmf_fail_errno(error, vmf_refusal(errno), "Landlock %u: making the rules", abi);
  return VMF_OK;
}

enum vmf_code vmf_landlock_allow(const struct vmf_landlock *landlock, const char *path,
                                 enum vmf_access access, struct vmf_error *error)
{
  uint64_t allowed = access == VMF_ACCESS_WRITE ? FS_OUTPUT : FS_READING | FS_IOCTL_DEV;
  struct stat status;
  int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO))
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: asking where it is", path);
  if (place < 0)
    return VMF_OK;
  if (fstat(place, &status) == 0 && !S_ISDIR(status.st_mode))
    allowed &= FS_OF_FILES;
  struct path_beneath rule = {.allowed = allowed & handled_access(landlock), .parent = place};
  /* An empty rule is refused, and nothing has to be allowed by it. Pipes and sockets (EBADFD) are
   * reached by descriptors that are open, which stay as they are. */
  bool good = rule.allowed == 0 ||
              syscall(CALL_ADD_RULE, landlock->ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 ||
              errno == EBADFD;
  enum vmf_code code =
      good ? VMF_OK : vmf_fail_errno(error, VMF_SYSTEM, "Landlock %u: %s", landlock->abi, path);
  close(place);
  return code;
}

enum vmf_code vmf_landlock_close(struct vmf_landlock *landlock, struct vmf_error *error)
{
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
      syscall(CALL_RESTRICT_SELF, landlock->ruleset, 0) < 0)
    return vmf_fail_errno(error, vmf_refusal(errno), "Landlock %u: closing the door",
                          landlock->abi);
  return VMF_OK;
}

void vmf_landlock_clear(struct vmf_landlock *landlock)
{
  if (landlock->ruleset >= 0)
    close(landlock->ruleset);
  landlock->ruleset = -1;
}
