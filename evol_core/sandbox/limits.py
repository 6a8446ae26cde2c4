"""How much time and memory generated code gets."""

from dataclasses import dataclass

from evol_core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one job. CPU time decides; the others catch what burns none, and are wide on purpose."""

    case_cpu_s: float = 2.0
    """CPU seconds for loading the code, and again for each case."""

    case_idle_s: float = 4.0
    """Seconds in which a case uses no CPU at all: it sleeps or waits."""

    case_wall_s: float = 60.0
    """Seconds of wall time a case, however busy the machine is."""

    job_cpu_s: float = 30.0
    """CPU seconds of all cases together; what is left over then is `skipped`."""

    job_wall_s: float = 300.0
    """Seconds of wall time of all cases together."""

    memory_mb: int = 256
    """MiB of address space on top of the interpreter's own."""

    max_deaths: int = 2
    """After so many cases that ended the process, the rest are `skipped`."""

    def __post_init__(self) -> None:
        for name, lowest, highest in BOUNDS:
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise ConfigError(f"sandbox.{name} must be in [{lowest}, {highest}], got {value}")


BOUNDS = (
    ("case_cpu_s", 0.01, 3600),
    ("case_idle_s", 0.01, 3600),
    ("case_wall_s", 0.01, 86_400),
    ("job_cpu_s", 0.01, 86_400),
    ("job_wall_s", 0.01, 86_400),
    ("memory_mb", 16, 65_536),
    ("max_deaths", 1, 1000),
)
