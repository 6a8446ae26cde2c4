"""The machines of a training: DeepSpeed's host file, a line `HOST slots=N` a machine."""

import re
from collections.abc import Mapping
from pathlib import Path

from evol_core.errors import ConfigError, NotFound
from evol_core.recipe.sft import LaunchConfig

_LINE = re.compile(r"(\S+)\s+slots=([1-9]\d*)")


def read_hosts(path: Path) -> Mapping[str, int]:
    """Processes by machine, in the order of the file.

    Raises:
        NotFound: there is no such file.
        ConfigError: a line is none, a machine stands there twice, or there is no machine at all.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise NotFound(f"launch.host_file: {path} does not exist; write a line HOST slots=N a machine") from None
    hosts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        said = _LINE.fullmatch(line.strip())
        if said is None or said[1] in hosts:
            raise ConfigError(f"launch.host_file: {path}, line {number}: {line!r}; write HOST slots=N, once a machine")
        hosts[said[1]] = int(said[2])
    if not hosts:
        raise ConfigError(f"launch.host_file: {path} names no machine; write a line HOST slots=N a machine")
    return hosts


def is_local(launch: LaunchConfig) -> bool:
    """Whether nothing is started over ssh: DeepSpeed starts a single machine's processes here."""
    return not launch.host_file or len(read_hosts(Path(launch.host_file))) == 1


def check_hosts(launch: LaunchConfig) -> None:
    """
    Raises:
        NotFound: the host file is missing.
        ConfigError: it is none, or has other than launch.processes slots, which batches are made for.
    """
    if launch.host_file:
        hosts = read_hosts(Path(launch.host_file))
        if sum(hosts.values()) != launch.processes:
            raise ConfigError(
                f"launch.processes is {launch.processes}, and launch.host_file {launch.host_file} has "
                f"{sum(hosts.values())} slots on {len(hosts)} machines; make them equal"
            )
