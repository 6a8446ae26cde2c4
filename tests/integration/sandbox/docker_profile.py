"""Puts this process where Docker's default settings would put it, then runs a command there.

    python docker_profile.py --uid 65534 -- python suite.py ...

What Docker refuses a container without extra capabilities is refused here with EPERM by a filter of our own; root
is left the fourteen capabilities that a container's root has. `--deny` refuses more: names of TRAPS.
"""

import argparse
import ctypes
import errno
import os
import platform

from evol_core.sandbox import kernel
from evol_core.sandbox.seccomp import ALLOW, IF_ANY_BIT, IF_EQUAL, LOAD, REFUSE, RETURN, Instruction, assemble

NEW_NAMESPACES = 0x7E020000
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
NO_SUCH_CALL = 0x00050000 | errno.ENOSYS

KEPT_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
N_CAPABILITIES = 41
PR_CAPBSET_DROP = 24

REFUSED = """
acct 163 89
add_key 248 217
bpf 321 280
clock_adjtime 305 266
clock_settime 227 112
delete_module 176 106
finit_module 313 273
get_mempolicy 239 236
init_module 175 105
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
ioperm 173 -
iopl 172 -
kcmp 312 272
kexec_file_load 320 294
kexec_load 246 104
keyctl 250 219
lookup_dcookie 212 18
mbind 237 235
mount 165 40
move_mount 429 429
fsopen 430 430
fsconfig 431 431
fsmount 432 432
fspick 433 433
open_tree 428 428
mount_setattr 442 442
name_to_handle_at 303 264
open_by_handle_at 304 265
perf_event_open 298 241
pivot_root 155 41
quotactl 179 60
reboot 169 142
request_key 249 218
set_mempolicy 238 237
setns 308 268
settimeofday 164 170
swapon 167 224
swapoff 168 225
syslog 103 116
umount2 166 39
unshare 272 97
userfaultfd 323 282
vhangup 153 58
fanotify_init 300 262
setdomainname 171 162
sethostname 170 161
move_pages 279 239
"""
"""Calls that need a capability a container does not have: name, number on x86_64, number on aarch64."""


def _column(machine: str) -> int:
    return {"x86_64": 1, "aarch64": 2}[machine]


def _number(name: str, machine: str) -> int:
    rows = [line.split() for line in REFUSED.splitlines() if line]
    return next(int(row[_column(machine)]) for row in rows if row[0] == name)


def _refuse(number: int, action: int = REFUSE) -> list[Instruction]:
    return [Instruction(IF_EQUAL, 0, 1, number), Instruction(RETURN, 0, 0, action)]


def _refuse_argument(number: int, first_argument: int) -> list[Instruction]:
    return [
        Instruction(IF_EQUAL, 0, 4, number),
        Instruction(LOAD, 0, 0, 16),
        Instruction(IF_EQUAL, 0, 1, first_argument),
        Instruction(RETURN, 0, 0, REFUSE),
        Instruction(LOAD, 0, 0, 0),
    ]


def docker_steps(machine: str) -> list[Instruction]:
    """Refuse the table above and new namespaces by clone; clone3 is said not to exist."""
    steps: list[Instruction] = []
    for line in REFUSED.splitlines():
        number = line.split()[_column(machine)] if line else "-"
        steps += _refuse(int(number)) if number != "-" else []
    steps += _refuse(CLONE3, NO_SUCH_CALL)
    return [
        *steps,
        Instruction(IF_EQUAL, 0, 4, CLONE[machine]),
        Instruction(LOAD, 0, 0, 16),
        Instruction(IF_ANY_BIT, 0, 1, NEW_NAMESPACES),
        Instruction(RETURN, 0, 0, REFUSE),
        Instruction(LOAD, 0, 0, 0),
    ]


PRCTL = {"x86_64": 157, "aarch64": 167}
SECCOMP = {"x86_64": 317, "aarch64": 277}
TRAPS = ("seccomp", "no_new_privs", "landlock", "namespaces")


def trap_steps(name: str, machine: str) -> list[Instruction]:
    """Take one of the kernel's means away, to see what happens without it."""
    if name == "seccomp":
        return [*_refuse_argument(PRCTL[machine], kernel.PR_SET_SECCOMP), *_refuse(SECCOMP[machine])]
    if name == "no_new_privs":
        return _refuse_argument(PRCTL[machine], kernel.PR_SET_NO_NEW_PRIVS)
    if name == "landlock":
        return [*_refuse(kernel.LANDLOCK_CREATE), *_refuse(kernel.LANDLOCK_RESTRICT)]
    return _refuse(_number("unshare", machine))


def install(steps: list[Instruction]) -> None:
    """Filter this process and all it starts. Root needs no no_new_privs for that, as Docker does not."""
    whole = [Instruction(LOAD, 0, 0, 0), *steps, Instruction(RETURN, 0, 0, ALLOW)]
    if os.geteuid() != 0:
        assert kernel.forbid_new_privileges()
    assert kernel.Filter(assemble(whole)).install(), f"filter refused: errno {ctypes.get_errno()}"


def drop_capabilities() -> None:
    libc = ctypes.CDLL(None)
    for capability in set(range(N_CAPABILITIES)) - set(KEPT_CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docker", action="store_true")
    parser.add_argument("--deny", action="append", default=[], choices=TRAPS)
    parser.add_argument("--uid", type=int)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    machine = platform.machine()
    steps = docker_steps(machine) if arguments.docker else []
    for trap in arguments.deny:
        steps += trap_steps(trap, machine)
    if arguments.docker and os.geteuid() == 0:
        drop_capabilities()
    if steps:
        install(steps)
    if arguments.uid is not None and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(arguments.uid, arguments.uid, arguments.uid)
        os.setresuid(arguments.uid, arguments.uid, arguments.uid)
    os.execv(arguments.command[0], arguments.command)


if __name__ == "__main__":
    main()
