"""The walls around generated code: those of the server process, and the door that each child locks behind it.

The floor is no_new_privs with a seccomp filter; without them nothing runs. The others stand where the kernel
grants them, and every result says which stood.
"""

import os
import resource
from dataclasses import dataclass, field

from evol_core.sandbox import kernel

NOBODY = 65534
EMPTY = kernel.NEW_NET | kernel.NEW_IPC

SECCOMP = "seccomp"
NO_NEW_PRIVS = "no_new_privs"
LANDLOCK = "landlock"
NETWORK_NAMESPACE = "network_namespace"
USER_NAMESPACE = "user_namespace"
UID_DROP = "uid_drop"

LAYERS = (SECCOMP, NO_NEW_PRIVS, LANDLOCK, NETWORK_NAMESPACE, USER_NAMESPACE, UID_DROP)
"""All there are. A job that demands one that the kernel does not grant is not run."""


@dataclass(kw_only=True)
class Isolation:
    """What the server process got."""

    layers: list[str] = field(default_factory=list)
    landlock_abi: int = 0
    missing: str = ""
    """The part of the floor that was refused; nothing may run then."""


def isolate_server() -> Isolation:
    """Take this process out of the network and its user's rights, as far as the kernel grants it, for good.

    All it may still do with files is to read under /proc, to see whether a child sleeps. The child may not.
    """
    isolation = Isolation()
    if os.geteuid() == 0:
        isolation.layers += _leave_as_root()
    if NETWORK_NAMESPACE not in isolation.layers and kernel.unshare(kernel.NEW_USER | EMPTY):
        isolation.layers += [USER_NAMESPACE, NETWORK_NAMESPACE]
    kernel.die_with_parent()
    kernel.hide_memory()
    if not kernel.forbid_new_privileges():
        isolation.missing = NO_NEW_PRIVS
        return isolation
    isolation.layers.append(NO_NEW_PRIVS)
    abi = kernel.landlock_abi()
    if abi and kernel.landlock_deny_all(abi, but_read="/proc"):
        isolation.layers.append(LANDLOCK)
        isolation.landlock_abi = abi
    return isolation


def _leave_as_root() -> list[str]:
    layers = [NETWORK_NAMESPACE] if kernel.unshare(EMPTY) else []
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return layers
    return [*layers, UID_DROP]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The lock of a child: how much memory it may have, its own Landlock domain, the filter."""

    filter: kernel.Filter
    landlock_abi: int
    base_bytes: int
    """Address space of the server itself, which every child starts with."""

    def lock(self, memory_bytes: int) -> bool:
        """Confine this process for good; False where the filter was refused."""
        limit = self.base_bytes + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if self.landlock_abi:
            kernel.landlock_deny_all(self.landlock_abi)
        return self.filter.install()
