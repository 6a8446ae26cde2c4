"""Runs attacks in the sandbox and prints, one JSON line each, what became of them and of everything around them.

    python suite.py ATTACKS.json ...

Standard library and evol_core.sandbox only, so that any user and interpreter can run it.
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from evol_core.errors import SandboxUnavailable
from evol_core.sandbox.jobs import CheckJob
from evol_core.sandbox.limits import Limits
from evol_core.sandbox.supervisor import CONTROL, Sandbox

LIMITS = Limits(case_cpu_s=0.3, case_idle_s=0.4)
SECRET = "s3cr3t-canary"


def text_of(pieces: str | list[Any]) -> str:
    """A text, or its pieces where it is long: strings and {"repeat", "times"}."""
    if isinstance(pieces, str):
        return pieces
    return "".join(piece if isinstance(piece, str) else piece["repeat"] * piece["times"] for piece in pieces)


@contextmanager
def listening(family: socket.AddressFamily, address: Any, visits: list[str]) -> Iterator[Any]:
    """A socket that notes every connection; yields its address."""
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(64)
        listener.settimeout(0.05)
        done = threading.Event()

        def accept() -> None:
            while not done.is_set():
                try:
                    listener.accept()[0].close()
                    visits.append(str(address))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()
        done.set()
        thread.join()


def state_of(folder: Path) -> list[tuple[str, int, str]]:
    """Names, modes and contents: what no attack may change."""
    return [
        (path.name, path.lstat().st_mode, path.read_text() if path.is_file() else "")
        for path in sorted(folder.iterdir())
    ]


def children_of(pids: tuple[int, ...]) -> list[int]:
    """Processes whose parent is one of these."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent in pids:
                found.append(int(entry.name))
    return found


def run(attack: dict[str, Any], sandbox: Sandbox, mark: Path, port: int) -> dict[str, Any]:
    source = text_of(attack["code"]).replace("@MARK@", str(mark)).replace("5432", str(port))
    pids, before, began = sandbox.server_pids, state_of(mark), time.monotonic()
    result = sandbox.run(CheckJob(source=source, inputs=tuple(text_of(case) for case in attack["cases"])))
    seconds = time.monotonic() - began
    control = sandbox.run(CONTROL)
    return {
        "name": attack["name"],
        "verdicts": list(result.verdicts),
        "diagnostics": result.diagnostics,
        "seconds": seconds,
        "same_server": sandbox.server_pids == pids,
        "control": list(control.verdicts),
        "children": children_of(sandbox.server_pids),
        "folder_changed": state_of(mark) != before,
        "layers": list(result.layers),
    }


def main(files: list[str]) -> None:
    os.environ["EVOL_SECRET"] = SECRET
    attacks = [attack for file in files for attack in json.loads(Path(file).read_text())]
    visits: list[str] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        mark = Path(folder)
        (mark / "keep").write_text("kept")
        _, port = stack.enter_context(listening(socket.AF_INET, ("127.0.0.1", 0), visits))
        stack.enter_context(listening(socket.AF_UNIX, str(mark / "sock"), visits))
        stack.enter_context(listening(socket.AF_UNIX, f"\0{mark}", visits))
        sandbox = stack.enter_context(Sandbox(n_workers=1, limits=LIMITS))
        for attack in attacks:
            report = run(attack, sandbox, mark, port)
            print(json.dumps({**report, "connections": list(visits)}), flush=True)
            visits.clear()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SandboxUnavailable as error:
        print(json.dumps({"unavailable": str(error)}))
