"""What travels between supervisor, server and child: fixed frames and single bytes, nothing that needs a parser.

A job goes in as a header, the texts' lengths and the texts. The child answers over a pipe of its own with one
byte when it is locked in, one after loading the code and one a case. The server answers with a header, the case
bytes and at most DIAGNOSTICS_MAX bytes of the child's own words.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

DIAGNOSTICS_MAX = 1024

READY = b"R"
"""The child has read its job and locked itself in; code that a model wrote has not run yet."""

LOADED = b"L"
COMPILE_ERROR = b"C"
IMPORT_ERROR = b"I"
LOAD_ERROR = b"X"
NO_EVALUATE = b"D"

TRUE = b"T"
FALSE = b"F"
NONE = b"N"
NON_BOOL = b"X"
MEMORY = b"M"
RECURSION = b"R"
ERROR = b"E"
BASE_EXCEPTION = b"B"


class Ending(IntEnum):
    """How the server saw a child end."""

    FINISHED = 0
    OUT_OF_TIME = 1
    DIED = 2
    """By itself, by a signal or by a filter; the wait status says which."""
    PROTOCOL = 3
    """More, fewer or other bytes than the code could honestly have caused."""


class JobHeader(NamedTuple):
    """One job, as numbers. Times are milliseconds."""

    compile_only: bool
    n_inputs: int
    case_cpu_ms: int
    case_idle_ms: int
    case_wall_ms: int
    job_cpu_ms: int
    job_wall_ms: int
    memory_mb: int


class ResultHeader(NamedTuple):
    """One child's end, as numbers."""

    load: bytes
    """The byte after READY; a zero byte where none came."""

    ending: int
    wait_status: int
    max_rss_kb: int
    cpu_ms: int
    n_verdicts: int
    n_diagnostics: int


_JOB = struct.Struct("<4s?7I")
_RESULT = struct.Struct("<4scBi4I")
_JOB_MAGIC = b"EJB1"
_RESULT_MAGIC = b"ERS1"

JOB_SIZE = _JOB.size
RESULT_SIZE = _RESULT.size


class StreamBroken(Exception):
    """The other side sent something else than a frame; the stream cannot be trusted any more."""


def pack_job(header: JobHeader, texts: Sequence[bytes]) -> bytes:
    """A job frame: `texts` are the source and then one input a case."""
    lengths = struct.pack(f"<{len(texts)}I", *(len(text) for text in texts))
    return b"".join((_JOB.pack(_JOB_MAGIC, *header), lengths, *texts))


def unpack_job(frame: bytes) -> JobHeader:
    magic, *numbers = _JOB.unpack(frame)
    if magic != _JOB_MAGIC:
        raise StreamBroken
    return JobHeader(*numbers)


def pack_result(header: ResultHeader, verdicts: bytes, diagnostics: bytes) -> bytes:
    return _RESULT.pack(_RESULT_MAGIC, *header) + verdicts + diagnostics


def unpack_result(frame: bytes) -> ResultHeader:
    magic, *fields = _RESULT.unpack(frame)
    if magic != _RESULT_MAGIC:
        raise StreamBroken
    return ResultHeader(*fields)
