"""The process that runs one piece of generated code: read the job, lock the door, load, answer case by case.

From the first generated line on, this process must be taken for arbitrary machine code. Everything it could do
is bounded by the kernel; nothing here relies on Python keeping a promise.
"""

import os
import resource
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from evol_core.sandbox import kernel, protocol
from evol_core.sandbox.protocol import JobHeader

VERDICT_FD = 30
DIAGNOSTIC_FD = 31

_write = os.write
_exit = os._exit
_compile = compile
_exec = exec
_Any = BaseException
_Ordinary = Exception
_ImportError = ImportError
_MemoryError = MemoryError
_RecursionError = RecursionError
_True = True
_False = False


def read_exactly(fd: int, size: int) -> bytes | None:
    """`size` bytes from a pipe; None where it ends before."""
    parts = bytearray()
    while len(parts) < size:
        part = os.read(fd, min(1 << 20, size - len(parts)))
        if not part:
            return None
        parts += part
    return bytes(parts)


def run_job(
    job_fd: int, verdict_fd: int, diagnostic_fd: int, header: JobHeader, confine: Callable[[int], bool]
) -> NoReturn:
    """The child's whole life. `confine` locks this process for good, with so many bytes of memory."""
    try:
        kernel.die_with_parent()
        texts = _read_texts(job_fd, header.n_inputs + 1)
        if texts is None:
            _exit(1)
        os.dup2(verdict_fd, VERDICT_FD)
        os.dup2(diagnostic_fd, DIAGNOSTIC_FD)
        os.closerange(3, VERDICT_FD)
        _limit_cpu(header.job_cpu_ms)
        if not confine(header.memory_mb << 20):
            _exit(2)
        _write(VERDICT_FD, protocol.READY)
        _answer(texts, header.compile_only)
    finally:
        _exit(3)


def _read_texts(fd: int, n_texts: int) -> list[bytes] | None:
    lengths = read_exactly(fd, 4 * n_texts)
    if lengths is None:
        return None
    texts = [read_exactly(fd, length) for length in struct.unpack(f"<{n_texts}I", lengths)]
    return [text for text in texts if text is not None] if None not in texts else None


def _limit_cpu(job_cpu_ms: int) -> None:
    """A second wall behind the server's own clock; the file and process limits cost nothing and may help."""
    seconds = job_cpu_ms // 1000 + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def _answer(texts: list[bytes], compile_only: bool) -> None:
    evaluate = _load(texts[0], compile_only)
    if evaluate is not None:
        for text in texts[1:]:
            _write(VERDICT_FD, _judge(evaluate, text))
    _exit(0)


def _load(source: bytes, compile_only: bool) -> Callable[[str], Any] | None:
    """The code's `evaluate`, or None; one byte tells the server how far it came."""
    byte, evaluate = _loaded(source, compile_only)
    _write(VERDICT_FD, byte)
    return evaluate


def _loaded(source: bytes, compile_only: bool) -> tuple[bytes, Callable[[str], Any] | None]:
    namespace: dict[str, Any] = {"__name__": "__generated__"}
    try:
        code = _compile(source.decode("utf-8", "surrogatepass"), "<generated>", "exec", dont_inherit=True)
    except _Any as error:
        _explain(error)
        return protocol.COMPILE_ERROR, None
    if compile_only:
        return protocol.LOADED, None
    try:
        _exec(code, namespace)
    except _ImportError as error:
        _explain(error)
        return protocol.IMPORT_ERROR, None
    except _Any as error:
        _explain(error)
        return protocol.LOAD_ERROR, None
    evaluate = namespace.get("evaluate")
    return (protocol.LOADED, evaluate) if callable(evaluate) else (protocol.NO_EVALUATE, None)


def _judge(evaluate: Callable[[str], Any], text: bytes) -> bytes:
    """One byte for one case. Only the objects True and False themselves are verdicts."""
    try:
        verdict = evaluate(text.decode("utf-8", "surrogatepass"))
        if verdict is _True:
            return protocol.TRUE
        if verdict is _False:
            return protocol.FALSE
        return protocol.NONE if verdict is None else protocol.NON_BOOL
    except _MemoryError:
        return protocol.MEMORY
    except _RecursionError:
        return protocol.RECURSION
    except _Ordinary as error:
        _explain(error)
        return protocol.ERROR
    except _Any as error:
        _explain(error)
        return protocol.BASE_EXCEPTION


def _explain(error: BaseException) -> None:
    """What the code says of its own failure, for a person; the pipe drops what does not fit."""
    with suppress(_Any):
        _write(DIAGNOSTIC_FD, f"{type(error).__name__}: {error}"[:300].encode("utf-8", "replace") + b"\n")
