"""The system calls that generated code may make, and those that end it, by number for each CPU.

What stands in neither list is refused with EPERM. Numbers are the kernel's own (asm/unistd.h); `-` where a CPU
lacks the call.
"""

from collections.abc import Mapping
from typing import NamedTuple

TABLE = """
allow read                         0      63
allow write                        1      64
allow close                        3      57
allow fstat                        5      80
allow lseek                        8      62
allow mmap                         9     222
allow mprotect                    10     226
allow munmap                      11     215
allow brk                         12     214
allow rt_sigaction                13     134
allow rt_sigprocmask              14     135
allow rt_sigreturn                15     139
allow select                      23       -
allow sched_yield                 24     124
allow mremap                      25     216
allow madvise                     28     233
allow nanosleep                   35     101
allow getpid                      39     172
allow exit                        60      93
allow uname                       63     160
allow gettimeofday                96     169
allow getrlimit                   97     163
allow getrusage                   98     165
allow sysinfo                     99     179
allow times                      100     153
allow getuid                     102     174
allow getgid                     104     176
allow geteuid                    107     175
allow getegid                    108     177
allow getppid                    110     173
allow sigaltstack                131     132
allow gettid                     186     178
allow time                       201       -
allow futex                      202      98
allow sched_getaffinity          204     123
allow restart_syscall            219     128
allow clock_gettime              228     113
allow clock_getres               229     114
allow clock_nanosleep            230     115
allow exit_group                 231      94
allow getrandom                  318     278
allow rseq                       334     293
kill  execve                      59     221
kill  kill                        62     129
kill  ptrace                     101     117
kill  setuid                     105     146
kill  rt_sigqueueinfo            129     138
kill  pivot_root                 155      41
kill  chroot                     161      51
kill  mount                      165      40
kill  reboot                     169     142
kill  init_module                175     105
kill  tkill                      200     130
kill  kexec_load                 246     104
kill  add_key                    248     217
kill  keyctl                     250     219
kill  unshare                    272      97
kill  rt_tgsigqueueinfo          297     240
kill  perf_event_open            298     241
kill  setns                      308     268
kill  process_vm_readv           310     270
kill  process_vm_writev          311     271
kill  finit_module               313     273
kill  bpf                        321     280
kill  execveat                   322     281
kill  userfaultfd                323     282
kill  pidfd_send_signal          424     424
kill  io_uring_setup             425     425
kill  pidfd_open                 434     434
probe open                         2       -
probe stat                         4       -
probe socket                      41     198
probe connect                     42     203
probe socketpair                  53     199
probe clone                       56     220
probe fork                        57       -
probe vfork                       58       -
probe prctl                      157     167
probe openat                     257      56
probe mkdirat                    258      34
probe seccomp                    317     277
probe memfd_create               319     279
probe pkey_mprotect              329     288
probe statx                      332     291
probe clone3                     435     435
probe openat2                    437     437
probe landlock_create_ruleset    444     444
"""
"""Group, call, its number on x86_64, its number on aarch64.

allow: what an interpreter needs to compute, to wait and to end; nothing opens, connects, starts or signals.
kill: no checker has a reason to try it; the kernel ends the process, and the verdict says `violation`.
probe: refused like everything unnamed; it stands here because the canary tries it.
"""

NEVER_EXECUTABLE = ("mmap", "mprotect")
"""Allowed, but not with PROT_EXEC: no new machine code."""


class Cpu(NamedTuple):
    """What the filter must know of one CPU."""

    audit: int
    """The kernel's name for the CPU in seccomp's data (AUDIT_ARCH)."""

    has_x32: bool
    """Whether a second table of calls lies behind bit 30 of the number."""

    allowed: Mapping[str, int]
    fatal: Mapping[str, int]
    probed: Mapping[str, int]


def _numbers(group: str, column: int) -> dict[str, int]:
    rows = [line.split() for line in TABLE.splitlines() if line]
    return {row[1]: int(row[column]) for row in rows if row[0] == group and row[column] != "-"}


def _cpu(audit: int, column: int, *, has_x32: bool) -> Cpu:
    allowed, fatal, probed = (_numbers(group, column) for group in ("allow", "kill", "probe"))
    return Cpu(audit=audit, has_x32=has_x32, allowed=allowed, fatal=fatal, probed=probed)


CPUS: Mapping[str, Cpu] = {
    "x86_64": _cpu(0xC000003E, 2, has_x32=True),
    "aarch64": _cpu(0xC00000B7, 3, has_x32=False),
}
"""By the name that uname gives the machine."""
