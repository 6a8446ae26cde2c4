"""Starts the trainer's processes, tells how far they are, and waits for their end."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from evol_core.errors import JobFailed
from evol_core.recipe.sft import LaunchConfig
from evol_core.sft.hosts import is_local
from evol_core.sft.task import TrainingFolder

TRAINER = "evol_core.sft.trainer"

POLL_S = 1.0
TAIL_LINES = 25


def command(launch: LaunchConfig, task: Path, port: int) -> list[str]:
    """The launcher's command line. Several machines of a host file are reached by ssh, and a single one is this one.

    DeepSpeed would ask ssh for that one, too, and without a host file would look for one in /job.
    """
    if launch.launcher == "torchrun":
        place = [f"--nproc_per_node={launch.processes}", "--master_addr=127.0.0.1", f"--master_port={port}"]
        return [sys.executable, "-m", "torch.distributed.run", *place, "-m", TRAINER, str(task)]
    runner = [sys.executable, "-m", "deepspeed.launcher.runner"]
    place = [f"--hostfile={launch.host_file or os.devnull}", f"--master_port={port}"]
    if is_local(launch):
        place += [f"--num_gpus={launch.processes}", "--master_addr=127.0.0.1", "--no_ssh_check"]
    return [*runner, *place, "--module", TRAINER, str(task)]


def environment(inherited: Mapping[str, str], launch: LaunchConfig, *, gpu: bool) -> dict[str, str]:
    """What the processes inherit: no hub is asked, and without a GPU each computes on one thread over loopback."""
    said = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}
    if not gpu:
        said |= {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": inherited.get("OMP_NUM_THREADS", "1")}
        if is_local(launch):
            said["GLOO_SOCKET_IFNAME"] = "lo"
    return {**inherited, **said}


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def run_trainer(folder: TrainingFolder, launch: LaunchConfig, *, gpu: bool, tell: Callable[[int], None]) -> None:
    """Train to the end; `tell` hears the number of steps done.

    Raises:
        JobFailed: a process of the training failed; what the last checkpoint holds is not lost.
    """
    port = launch.master_port or free_port()
    folder.finished.unlink(missing_ok=True)
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            command(launch, folder.task, port),
            env=environment(os.environ, launch, gpu=gpu),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                tell(len(folder.read_losses()))
                time.sleep(POLL_S)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode or not folder.finished.exists():
        tail = folder.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        raise JobFailed(
            f"the training ended with exit code {process.returncode}; a retry goes on from its last checkpoint. "
            f"The end of {folder.log}:\n" + "\n".join(tail)
        )
    tell(len(folder.read_losses()))
