"""The filter that every generated checker runs under: a small program for the kernel's BPF machine.

It reads one system call (struct seccomp_data: number, CPU, instruction pointer, six arguments) and returns what
becomes of it. Default: refused with EPERM.
"""

import errno
import struct
from typing import NamedTuple

from evol_core.sandbox.syscalls import NEVER_EXECUTABLE, Cpu

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
KILL = 0x80000000

LOAD = 0x20
IF_EQUAL = 0x15
IF_AT_LEAST = 0x35
IF_ANY_BIT = 0x45
RETURN = 0x06

NUMBER_AT = 0
CPU_AT = 4
THIRD_ARGUMENT_AT = 32
"""Its low half; both CPUs are little-endian."""

X32_BIT = 0x40000000
PROT_EXEC = 4


class Instruction(NamedTuple):
    """One step of the BPF machine; jumps count the instructions to skip."""

    code: int
    if_true: int
    if_false: int
    operand: int


def filter_steps(cpu: Cpu) -> list[Instruction]:
    """The filter for one CPU: kill foreign ABIs, allow the allowed, kill the fatal, refuse the rest."""
    steps = [
        Instruction(LOAD, 0, 0, CPU_AT),
        Instruction(IF_EQUAL, 1, 0, cpu.audit),
        Instruction(RETURN, 0, 0, KILL),
        Instruction(LOAD, 0, 0, NUMBER_AT),
    ]
    if cpu.has_x32:
        steps += [Instruction(IF_AT_LEAST, 0, 1, X32_BIT), Instruction(RETURN, 0, 0, KILL)]
    for name in NEVER_EXECUTABLE:
        steps += _unless_executable(cpu.allowed[name])
    for name, number in cpu.allowed.items():
        if name not in NEVER_EXECUTABLE:
            steps += _answer(number, ALLOW)
    for number in cpu.fatal.values():
        steps += _answer(number, KILL)
    return [*steps, Instruction(RETURN, 0, 0, REFUSE)]


def assemble(steps: list[Instruction]) -> bytes:
    """The steps as the kernel reads them (struct sock_filter, eight bytes each)."""
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _answer(number: int, action: int) -> list[Instruction]:
    return [Instruction(IF_EQUAL, 0, 1, number), Instruction(RETURN, 0, 0, action)]


def _unless_executable(number: int) -> list[Instruction]:
    return [
        Instruction(IF_EQUAL, 0, 4, number),
        Instruction(LOAD, 0, 0, THIRD_ARGUMENT_AT),
        Instruction(IF_ANY_BIT, 0, 1, PROT_EXEC),
        Instruction(RETURN, 0, 0, REFUSE),
        Instruction(RETURN, 0, 0, ALLOW),
    ]
