"""The filter, run by a small BPF machine of our own, for every CPU and every system call."""

import pytest

from evol_core.sandbox.seccomp import (
    ALLOW,
    CPU_AT,
    IF_ANY_BIT,
    IF_AT_LEAST,
    IF_EQUAL,
    KILL,
    LOAD,
    NUMBER_AT,
    REFUSE,
    RETURN,
    THIRD_ARGUMENT_AT,
    assemble,
    filter_steps,
)
from evol_core.sandbox.syscalls import CPUS, NEVER_EXECUTABLE

EVERY_CPU = pytest.mark.parametrize("machine", CPUS)


def decide(machine: str, number: int, *, audit: int | None = None, third: int = 0) -> int:
    """What the filter says of one system call."""
    data = {CPU_AT: CPUS[machine].audit if audit is None else audit, NUMBER_AT: number, THIRD_ARGUMENT_AT: third}
    steps = filter_steps(CPUS[machine])
    loaded, at = 0, 0
    while True:
        step = steps[at]
        at += 1
        if step.code == LOAD:
            loaded = data[step.operand]
        elif step.code == RETURN:
            return step.operand
        else:
            holds = {
                IF_EQUAL: loaded == step.operand,
                IF_AT_LEAST: loaded >= step.operand,
                IF_ANY_BIT: bool(loaded & step.operand),
            }[step.code]
            at += step.if_true if holds else step.if_false


@EVERY_CPU
def test_each_call_is_answered_as_the_table_says(machine: str) -> None:
    cpu = CPUS[machine]
    by_number = dict.fromkeys(range(1024), REFUSE)
    by_number |= dict.fromkeys(cpu.allowed.values(), ALLOW) | dict.fromkeys(cpu.fatal.values(), KILL)

    assert {number: decide(machine, number) for number in by_number} == by_number


@EVERY_CPU
@pytest.mark.parametrize("name", NEVER_EXECUTABLE)
@pytest.mark.parametrize("protection", [4, 5, 7, 0x1000004])
def test_memory_is_never_made_executable(machine: str, name: str, protection: int) -> None:
    number = CPUS[machine].allowed[name]

    assert decide(machine, number, third=protection) == REFUSE
    assert decide(machine, number, third=protection & ~4) == ALLOW


@EVERY_CPU
def test_calls_of_another_cpu_end_the_process(machine: str) -> None:
    i386 = 0x40000003

    assert decide(machine, CPUS[machine].allowed["read"], audit=i386) == KILL


def test_the_second_table_of_x86_ends_the_process() -> None:
    assert decide("x86_64", 0x40000000) == KILL
    assert decide("x86_64", 0x40000000 + 512) == KILL
    assert decide("x86_64", 0xFFFFFFFF) == KILL


@EVERY_CPU
def test_the_lists_share_no_number(machine: str) -> None:
    cpu = CPUS[machine]
    numbers = [*cpu.allowed.values(), *cpu.fatal.values(), *cpu.probed.values()]

    assert len(numbers) == len(set(numbers))


@EVERY_CPU
def test_nothing_that_opens_connects_starts_or_signals_is_allowed(machine: str) -> None:
    words = ("open", "sock", "conn", "clone", "fork", "exec", "kill", "sig", "link", "dup", "pipe", "trace", "ioctl")
    harmless = {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack"}

    assert [n for n in CPUS[machine].allowed if n not in harmless and any(word in n for word in words)] == []


@EVERY_CPU
def test_the_program_is_one_that_the_kernel_takes(machine: str) -> None:
    """At most 4,096 steps, jumps forwards only and inside the program, a return at the end."""
    steps = filter_steps(CPUS[machine])

    assert len(assemble(steps)) == 8 * len(steps)
    assert len(steps) <= 4096
    assert steps[-1].code == RETURN
    assert all(at + 1 + max(step.if_true, step.if_false) < len(steps) for at, step in enumerate(steps[:-1]))


def test_a_step_is_laid_out_as_the_kernel_reads_it() -> None:
    load_cpu, if_x86_64 = "2000000004000000", "150001003e0000c0"

    assert assemble(filter_steps(CPUS["x86_64"]))[:16].hex() == load_cpu + if_x86_64
