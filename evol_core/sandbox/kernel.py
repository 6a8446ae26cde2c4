"""The kernel's own means of confinement, called through ctypes: prctl, namespaces, Landlock, seccomp.

Only the server process imports this. Each function says whether the kernel granted what was asked.
"""

import ctypes
import os
import signal
import struct

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_NET = 0x40000000

LANDLOCK_CREATE = 444
LANDLOCK_ADD_RULE = 445
LANDLOCK_RESTRICT = 446
LANDLOCK_ASK_VERSION = 1
LANDLOCK_BENEATH = 1
LANDLOCK_READ_FILE = 1 << 2


class _FilterHeader(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("n_steps", ctypes.c_ushort), ("steps", ctypes.c_void_p))


class Filter:
    """An assembled filter in memory, ready to be installed in any number of children."""

    def __init__(self, program: bytes) -> None:
        self._steps = ctypes.create_string_buffer(program, len(program))
        self._header = _FilterHeader(len(program) // 8, ctypes.addressof(self._steps))

    def install(self) -> bool:
        """Put this process under the filter, for good."""
        return bool(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(self._header), 0, 0) == 0)


def system_call(number: int, *arguments: int | bytes) -> tuple[int, int]:
    """A raw system call: its result, and errno where the result is -1."""
    ctypes.set_errno(0)
    passed = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    _libc.syscall.restype = ctypes.c_long
    return _libc.syscall(ctypes.c_long(number), *passed), ctypes.get_errno()


def die_with_parent() -> bool:
    """Be killed when the thread that started this process ends. A change of user undoes it."""
    return _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def hide_memory() -> bool:
    """Nobody of the same user may trace this process or read its memory."""
    return _prctl(PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> bool:
    """No program that is started from here can gain rights; a filter needs this."""
    return _prctl(PR_SET_NO_NEW_PRIVS, 1)


def unshare(namespaces: int) -> bool:
    """Move this process into new, empty namespaces."""
    return bool(_libc.unshare(namespaces) == 0)


def landlock_abi() -> int:
    """The version of Landlock that the kernel offers; 0 where it has none."""
    return max(0, system_call(LANDLOCK_CREATE, 0, 0, LANDLOCK_ASK_VERSION)[0])


def landlock_deny_all(abi: int, *, but_read: str = "") -> bool:
    """Deny every file right, TCP, and signals and abstract sockets that leave this domain, as far as `abi` goes.

    Files under the folder `but_read` may still be read; a domain inside this one can deny that as well.
    """
    ruleset, _ = system_call(LANDLOCK_CREATE, *_everything(abi), 0)
    if ruleset < 0:
        return False
    if but_read:
        folder = os.open(but_read, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("<Qi", LANDLOCK_READ_FILE, folder)
        system_call(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_BENEATH, rule, 0)
        os.close(folder)
    granted = system_call(LANDLOCK_RESTRICT, ruleset, 0)[0] == 0
    os.close(ruleset)
    return granted


def _everything(abi: int) -> tuple[bytes, int]:
    """struct landlock_ruleset_attr that handles all rights this version knows, and its size."""
    n_file_rights = 13 + (abi >= 2) + (abi >= 3) + (abi >= 5)
    tcp = 0b11 if abi >= 4 else 0
    scopes = 0b11 if abi >= 6 else 0
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    return struct.pack("<QQQ", (1 << n_file_rights) - 1, tcp, scopes), size


def _prctl(option: int, value: int) -> bool:
    return bool(_libc.prctl(option, value, 0, 0, 0) == 0)
