/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "refused_calls.h"

#ifdef VMF_SECCOMP

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "landlock.h"

/* By name, since not every version of libseccomp knows every call: one that it does not know is
 * passed over. */
static const char *const refused[] = {
    /* other programs */
    "execve", "execveat", "fork", "vfork",
    /* being a server */
    "listen", "accept", "accept4",
    /* other processes */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp", "tkill", "setpgid", "setsid",
    "migrate_pages", "move_pages", "setpriority", "ioprio_set", "sched_setaffinity",
    "sched_setattr", "sched_setparam", "sched_setscheduler",
    /* what processes of one user share by number or name */
    "ipc", "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget",
    "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink",
    /* files that are named and not opened, of which Landlock knows nothing (truncate: until its
     * third version): an output's modes and the like are set by its descriptor */
    "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat", "setxattr", "lsetxattr",
    "setxattrat", "removexattr", "lremovexattr", "removexattrat", "file_setattr", "utime", "utimes",
    "futimesat", "utimensat", "truncate", "truncate64", "link", "linkat",
    /* the machine, and ways around what is refused here */
    "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
    "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "setns",
    "unshare", "open_by_handle_at", "name_to_handle_at", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "bpf", "perf_event_open", "userfaultfd", "add_key", "request_key",
    "keyctl", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "reboot", "swapon", "swapoff", "acct", "personality", "sethostname", "setdomainname",
    "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "iopl", "ioperm", "modify_ldt",
    "syslog", "lookup_dcookie", "fanotify_init", "setuid", "setgid", "setreuid", "setregid",
    "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset", "mknod", "mknodat",
    "symlink", "symlinkat",
    /* the same on 32 bits, where these have two forms */
    "chown32", "lchown32", "utimensat_time64", "semtimedop_time64", "clock_settime64",
    "clock_adjtime64", "stime", "setuid32", "setgid32", "setreuid32", "setregid32", "setresuid32",
    "setresgid32", "setgroups32", "setfsuid32", "setfsgid32"};

/* The network, unless something on another machine is named. The C library binds sockets of the
 * kernel's own (netlink) when it looks for the addresses of a name. */
static const char *const refused_network[] = {"socket", "socketpair", "socketcall", "connect",
                                              "bind"};

bool vmf_refused_calls_offered(const char **why)
{
  bool offered = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
  *why = offered ? NULL : "the kernel has no seccomp";
  return offered;
}

#ifdef __s390__
enum { CLONE_FLAGS = 1 }; /* argument of clone: the stack is the first there (clone(2)) */
#else
enum { CLONE_FLAGS = 0 };
#endif

/* A thread is started by clone with CLONE_THREAD; without it a process would be. What clone3 is
 * asked for stands in memory, which no filter sees: the C library takes ENOSYS for an older kernel
 * and uses clone. */
static int refuse_processes(scmp_filter_ctx filter)
{
  int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (result < 0)
    return result;
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                          SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* compare: of one argument; NULL: whatever they are. */
static int refuse(scmp_filter_ctx filter, const char *name, const struct scmp_arg_cmp *compare)
{
  int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR)
    return 0;
  int result =
      seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, compare ? 1 : 0, compare);
  return result == -EDOM ? 0 : result; /* this architecture has no such call */
}

static int refuse_names(scmp_filter_ctx filter, const char *const *names, size_t count)
{
  int result = 0;
  for (size_t i = 0; result == 0 && i < count; i++)
    result = refuse(filter, names[i], NULL);
  return result;
}

/* What only some arguments make harmful: signals for others, others' limits, and what is put into
 * the input of a terminal, where a shell would take it for a command. Of a request the kernel
 * looks at 32 bits. */
static int refuse_arguments(scmp_filter_ctx filter)
{
  const scmp_datum_t self = (scmp_datum_t)getpid();
  const struct {
    const char *name;
    struct scmp_arg_cmp compare;
  } rows[] = {{"kill", SCMP_CMP(0, SCMP_CMP_NE, self, 0)},
              {"tgkill", SCMP_CMP(0, SCMP_CMP_NE, self, 0)},
              {"rt_sigqueueinfo", SCMP_CMP(0, SCMP_CMP_NE, self, 0)},
              {"rt_tgsigqueueinfo", SCMP_CMP(0, SCMP_CMP_NE, self, 0)},
              {"prlimit64", SCMP_CMP(0, SCMP_CMP_NE, 0, 0)},
              {"ioctl", SCMP_CMP(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI)},
              {"ioctl", SCMP_CMP(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCLINUX)}};
  int result = 0;

  for (size_t i = 0; result == 0 && i < sizeof rows / sizeof rows[0]; i++)
    result = refuse(filter, rows[i].name, &rows[i].compare);
  return result;
}

/* Where the network is asked: sockets of this machine, of IP, and of the kernel's own that the C
 * library asks for addresses; no others. On 32-bit x86, s390 and their like the C library makes all
 * of them by one call, whose arguments are in memory: libseccomp would refuse each. */
static int refuse_families(scmp_filter_ctx filter)
{
  static const int taken[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
  enum { COUNT = sizeof taken / sizeof taken[0] };
  struct scmp_arg_cmp compare = SCMP_CMP(0, SCMP_CMP_GT, AF_NETLINK, 0);

  if (seccomp_syscall_resolve_name("socketcall") >= 0)
    return 0;
  int result = refuse(filter, "socket", &compare);

  for (int family = 0, next = 0; result == 0 && family <= AF_NETLINK; family++) {
    compare = SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)family, 0);
    if (next < COUNT && taken[next] == family)
      next++;
    else
      result = refuse(filter, "socket", &compare);
  }
  return result;
}

enum vmf_code vmf_refuse_calls(bool network, struct vmf_error *error)
{
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (!filter)
    return vmf_fail(error, VMF_NOMEM, "seccomp: no memory");
  int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
  if (result == 0)
    result = refuse_names(filter, refused, sizeof refused / sizeof refused[0]);
  if (result == 0)
    result = refuse_arguments(filter);
  if (result == 0 && network)
    result = refuse_families(filter);
  else if (result == 0)
    result =
        refuse_names(filter, refused_network, sizeof refused_network / sizeof refused_network[0]);
  if (result == 0)
    result = refuse_processes(filter);
  if (result == 0)
    result = seccomp_load(filter);
  seccomp_release(filter);
  errno = -result;
  return result == 0 ? VMF_OK
                     : vmf_fail_errno(error, vmf_refusal(errno), "seccomp: refusing system calls");
}

#else

#include <stddef.h>

bool vmf_refused_calls_offered(const char **why)
{
  *why = "this build is without libseccomp";
  return false;
}

enum vmf_code vmf_refuse_calls(bool network, struct vmf_error *error)
{
  (void)network, (void)error;
  return VMF_OK;
}

#endif
