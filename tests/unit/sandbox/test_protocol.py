"""Frames read back as they were written, and nothing else is taken for one."""

import pytest

from evol_core.sandbox import protocol
from evol_core.sandbox.protocol import JobHeader, ResultHeader, StreamBroken

JOB = JobHeader(
    compile_only=True,
    n_inputs=2,
    case_cpu_ms=3,
    case_idle_ms=4,
    case_wall_ms=5,
    job_cpu_ms=6,
    job_wall_ms=7,
    memory_mb=8,
)
RESULT = ResultHeader(load=b"L", ending=2, wait_status=-1, max_rss_kb=1, cpu_ms=2, n_verdicts=3, n_diagnostics=4)


def test_a_job_is_its_header_the_lengths_and_the_texts() -> None:
    frame = protocol.pack_job(JOB, [b"source", b"", b"in"])

    assert protocol.unpack_job(frame[: protocol.JOB_SIZE]) == JOB
    assert frame[protocol.JOB_SIZE :] == bytes([6, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]) + b"sourcein"


def test_a_result_is_its_header_and_what_it_announces() -> None:
    frame = protocol.pack_result(RESULT, b"TFT", b"word")

    assert protocol.unpack_result(frame[: protocol.RESULT_SIZE]) == RESULT
    assert frame[protocol.RESULT_SIZE :] == b"TFTword"


def test_anything_else_breaks_the_stream() -> None:
    with pytest.raises(StreamBroken):
        protocol.unpack_job(bytes(protocol.JOB_SIZE))
    with pytest.raises(StreamBroken):
        protocol.unpack_result(b"T" * protocol.RESULT_SIZE)
