"""What the sandbox is asked and what it answers."""

from dataclasses import dataclass
from enum import StrEnum


class CheckVerdict(StrEnum):
    """What became of one case. Expected outputs never enter the sandbox: agreeing is decided outside."""

    TRUE = "true"
    FALSE = "false"

    NONE = "none"
    """`evaluate` returned None."""
    NON_BOOL = "non_bool"
    """It returned something that is neither True nor False, however it compares."""
    ERROR = "error"
    BASE_EXCEPTION = "base_exception"
    """It raised what no `except Exception` catches, for example SystemExit."""
    MEMORY = "memory"
    RECURSION = "recursion"
    TIMEOUT = "timeout"
    CRASH = "crash"
    """A signal ended the process."""
    EXIT = "exit"
    """It ended its own process."""
    KILLED = "killed"
    """Somebody outside ended the process, most likely the kernel for lack of memory."""
    SKIPPED = "skipped"
    """Not run: earlier cases used up the job's deaths or its time."""

    VIOLATION = "violation"
    """The code tried a system call that no checker needs."""
    PROTOCOL = "protocol"
    """The code wrote bytes of its own where verdicts are expected."""

    COMPILE_ERROR = "compile_error"
    IMPORT_ERROR = "import_error"
    LOAD_ERROR = "load_error"
    NO_EVALUATE = "no_evaluate"
    """The code defines no callable `evaluate`."""

    LOST = "lost"
    """The sandbox failed, not the code. Never a verdict on it; try again."""


ATTACKS = frozenset({CheckVerdict.VIOLATION, CheckVerdict.PROTOCOL})
"""Verdicts that no honest mistake brings about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckJob:
    """One checker and the texts to run it on, each a case."""

    source: str
    """Python that defines `evaluate(response)`."""

    inputs: tuple[str, ...] = ()
    compile_only: bool = False
    """Only say whether the source compiles; nothing of it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one checker said of each case."""

    verdicts: tuple[CheckVerdict, ...]
    """One an input, in their order."""

    load_failure: CheckVerdict | None = None
    """Why the code could not be loaded; all verdicts say the same then. None where it was."""

    diagnostics: str = ""
    """The code's own words on its failure: data, not to be trusted, without control characters."""

    cpu_s: float = 0.0
    max_rss_mb: float = 0.0
    layers: tuple[str, ...] = ()
    """The walls that stood while this ran (isolation.LAYERS)."""
