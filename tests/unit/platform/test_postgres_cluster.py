"""Where the embedded server's parts are."""

import os
from pathlib import Path

from evol_core.platform.postgres_cluster import (
    SOCKET_NAME,
    SOCKET_PATH_BYTES,
    Cluster,
    forget_dead_postmaster,
    postmaster,
)
from evol_core.platform.processes import OURSELVES


def cluster(folder: Path) -> Cluster:
    return Cluster(home=folder.parent, folder=folder, user=OURSELVES)


def test_the_socket_is_beside_the_data_where_its_path_fits() -> None:
    longest = Path("/" + "x" * (SOCKET_PATH_BYTES - len(f"//run/{SOCKET_NAME}")))

    assert cluster(longest).sockets == longest / "run"
    assert len(os.fsencode(longest / "run" / SOCKET_NAME)) == SOCKET_PATH_BYTES


def test_a_long_home_has_its_socket_in_a_short_folder_of_its_own() -> None:
    first, second = (cluster(Path("/" + "x" * 120 + name)).sockets for name in "ab")

    assert first != second
    assert len(os.fsencode(first / SOCKET_NAME)) <= SOCKET_PATH_BYTES
    assert cluster(Path("/" + "x" * 120 + "a")).sockets == first


def test_a_path_is_counted_in_bytes_as_the_kernel_does() -> None:
    assert cluster(Path("/" + "ü" * 60)).sockets.parent == Path("/tmp")


def test_a_number_that_another_program_has_by_now_is_no_server(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pid_file = tmp_path / "data/postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{tmp_path}/data\n")

    assert postmaster(cluster(tmp_path)) is None
    forget_dead_postmaster(cluster(tmp_path))
    assert not pid_file.exists()
