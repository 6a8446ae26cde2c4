"""The server process: starts a clean interpreter once, locks it up, and forks one child a job.

It is started by `server.py` with nothing but two pipes, an empty environment and `/` as its folder. It never
holds what a model wrote: the child reads its job from the pipe itself.
"""

import gc
import importlib
import io
import json
import os
import platform
import resource
import sys
from typing import Any, NoReturn

from evol_core.sandbox import child, kernel, protocol
from evol_core.sandbox.canary import prove
from evol_core.sandbox.isolation import SECCOMP, Cell, isolate_server
from evol_core.sandbox.protocol import Ending, JobHeader, ResultHeader
from evol_core.sandbox.seccomp import assemble, filter_steps
from evol_core.sandbox.syscalls import CPUS
from evol_core.sandbox.watch import kill, wait_for_death, watch

JOBS_FD = 20
RESULTS_FD = 21
LOST_STEP = 95
"""Exit status where the streams can no longer be in step; the supervisor starts another server."""

PRELOADED = """
    re string math cmath json json.decoder collections collections.abc itertools functools operator datetime time
    calendar unicodedata statistics random textwrap difflib decimal fractions heapq bisect typing enum dataclasses
    copy hashlib base64 binascii html html.parser html.entities urllib.parse xml.etree.ElementTree csv io ast
    keyword token tokenize types abc numbers locale zlib struct warnings traceback contextlib _strptime secrets uuid
    pprint array queue inspect fnmatch glob pathlib shlex logging threading ipaddress colorsys
    encodings.idna encodings.punycode encodings.unicode_escape encodings.utf_16 encodings.utf_32 encodings.utf_8_sig
    encodings.ascii encodings.latin_1 encodings.cp1252 stringprep
    __future__ configparser email.utils importlib.util timeit tomllib xml.dom.minidom xml.dom.expatbuilder xml.sax
"""
"""What checkers import. Nothing else can be imported: by the time they run, no file can be opened."""


def main() -> NoReturn:
    """Start, prove the walls, say so, and serve until the supervisor closes the pipe."""
    kernel.die_with_parent()
    _preload()
    base_bytes = _address_space()
    _move_pipes()
    _limit_server()
    isolation = isolate_server()
    if isolation.missing:
        _refuse([isolation.missing])
    cpu = CPUS[platform.machine()]
    cell = Cell(
        filter=kernel.Filter(assemble(filter_steps(cpu))), landlock_abi=isolation.landlock_abi, base_bytes=base_bytes
    )
    _close_interpreter()
    broken = prove(cell, cpu)
    if broken:
        _refuse(broken)
    isolation.layers.append(SECCOMP)
    _say({"ready": True, "layers": isolation.layers, "landlock_abi": isolation.landlock_abi})
    _serve(cell)


def _preload() -> None:
    """Import all that checkers may use, without the work that modules ask to have done at every fork.

    A child has one thread, so `threading` has nothing to mend there; and a `random` that is seeded here, once,
    draws the same numbers in every child, so that verdicts can be had again.
    """
    register = os.register_at_fork
    os.register_at_fork = lambda **_: None
    for name in PRELOADED.split():
        importlib.import_module(name)
    os.register_at_fork = register
    sys.modules["random"].seed(0)
    sys.modules["datetime"].datetime.strptime("2020-01-01", "%Y-%m-%d")
    sys.modules["re"].findall(r"\b\w+\b", "warm up")


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _move_pipes() -> None:
    """Jobs and results leave the standard descriptors, which become /dev/null for server and children."""
    os.dup2(0, JOBS_FD)
    os.dup2(1, RESULTS_FD)
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _limit_server() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _close_interpreter() -> None:
    """No way to more modules, no arguments, no environment, no output; and nothing for a child's collector to do."""
    sys.path[:] = []
    sys.path_importer_cache.clear()
    kept = {"BuiltinImporter", "FrozenImporter"}
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") in kept]
    sys.argv[:] = ["sandbox"]
    os.environ.clear()
    sink = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", "replace")
    source = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)), "utf-8")
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = sink  # type: ignore[misc]
    sys.stdin = sys.__stdin__ = source  # type: ignore[misc]
    gc.set_threshold(20_000, 20, 20)
    gc.collect()
    gc.freeze()


def _say(message: dict[str, Any]) -> None:
    os.write(RESULTS_FD, (json.dumps(message) + "\n").encode())


def _refuse(missing: list[str]) -> NoReturn:
    _say({"ready": False, "missing": missing})
    os._exit(1)


def _serve(cell: Cell) -> NoReturn:
    while True:
        frame = child.read_exactly(JOBS_FD, protocol.JOB_SIZE)
        if frame is None:
            os._exit(0)
        _write_all(RESULTS_FD, _run(protocol.unpack_job(frame), cell))


def _run(header: JobHeader, cell: Cell) -> bytes:
    """Fork one child for one job, watch it to its end, and leave nothing of it behind."""
    verdicts, verdict_end = os.pipe()
    words, words_end = os.pipe()
    os.set_blocking(words_end, False)
    pid = os.fork()
    if pid == 0:
        child.run_job(JOBS_FD, verdict_end, words_end, header, cell.lock)
    os.close(verdict_end)
    os.close(words_end)
    seen = watch(pid, verdicts, header)
    ending = seen.ending
    death = wait_for_death(pid) if ending == Ending.DIED else kill(pid)
    if death is None:
        ending, death = Ending.PROTOCOL, kill(pid)
    diagnostics = os.read(words, protocol.DIAGNOSTICS_MAX)
    os.close(verdicts)
    os.close(words)
    if seen.received[:1] != protocol.READY:
        os._exit(LOST_STEP)
    load, verdict_bytes = seen.received[1:2] or b"\0", seen.received[2:]
    result = ResultHeader(load, ending, *death, n_verdicts=len(verdict_bytes), n_diagnostics=len(diagnostics))
    return protocol.pack_result(result, verdict_bytes, diagnostics)


def _write_all(fd: int, frame: bytes) -> None:
    while frame:
        frame = frame[os.write(fd, frame) :]
