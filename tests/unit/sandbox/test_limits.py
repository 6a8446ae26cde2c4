"""Limits say what is allowed."""

import pytest

from evol_core.errors import ConfigError
from evol_core.sandbox.limits import BOUNDS, Limits
from evol_core.sandbox.supervisor import Sandbox


def test_every_limit_has_bounds() -> None:
    assert {name for name, _, _ in BOUNDS} == set(Limits.__dataclass_fields__)


def test_a_limit_out_of_bounds_is_named() -> None:
    with pytest.raises(ConfigError, match=r"sandbox.memory_mb must be in \[16, 65536\], got 8"):
        Limits(memory_mb=8)


def test_no_worker_is_no_sandbox() -> None:
    with pytest.raises(ConfigError, match=r"sandbox\.n_workers must be at least 1, got 0"):
        Sandbox(n_workers=0)
