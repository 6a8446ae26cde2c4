"""The files and the process of the embedded PostgreSQL server.

Where it lives: in `postgres` under the platform's home. PostgreSQL refuses to run as root, so for root it runs as
the user `pgserver`, who cannot enter a home that is closed to others, as homes should be. Then `postgres` is a link
to a folder of its own under /var/lib/evol, and nothing else on the machine is opened for it.

The server listens on a Unix socket only, in a folder that only its user may enter. A socket's path may have 107
bytes, so under a long home the socket is in a short folder under /tmp.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from evol_core.errors import PlatformError
from evol_core.platform.postgres_programs import programs_for, run_as
from evol_core.platform.private_files import private_folder, write_private
from evol_core.platform.processes import MARK, OURSELVES, Process, User, find, start

SUPERUSER = "postgres"
SERVER_USER = "pgserver"
STATE_FOLDERS = (Path("/var/lib/evol"), Path("/var/tmp/evol"))
"""Where root's clusters go: the first that can be made."""

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 107


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where one server's parts are."""

    home: Path
    folder: Path
    """Holds data, and sockets where the path is short enough. No link in it."""

    user: User
    """Whom the server runs as."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.home / "logs/postgres.log"

    @property
    def sockets(self) -> Path:
        near = self.folder / "run"
        if len(os.fsencode(near / SOCKET_NAME)) <= SOCKET_PATH_BYTES:
            return near
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(f"/tmp/evol-{os.getuid()}-{digest}")


def locate(home: Path) -> Cluster:
    """Where the home's cluster is or will be; makes its folder. Call it under the home's lock."""
    if os.geteuid() != 0:
        folder = private_folder(home / "postgres")
        return Cluster(home=home, folder=folder.resolve(), user=OURSELVES)
    user = _server_user()
    link = home / "postgres"
    if not link.is_symlink():
        private_folder(home)
        link.symlink_to(_state_folder() / f"postgres-{secrets.token_hex(6)}")
    folder = link.resolve()
    _own_folder(folder, user)
    return Cluster(home=home, folder=folder, user=user)


def create(cluster: Cluster, password: str) -> None:
    """Make the data folder, with a superuser who must give the password. Whole or not at all."""
    part = cluster.folder / "data.part"
    shutil.rmtree(part, ignore_errors=True)
    password_file = cluster.folder / "password"
    write_private(password_file, password)
    _give(password_file, cluster.user)
    _run(
        cluster,
        "initdb",
        *("--pgdata", str(part), "--username", SUPERUSER, "--pwfile", str(password_file)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin"),
        *("--builtin-locale", "C.UTF-8", "--locale", "C", "--no-instructions"),
    )
    password_file.unlink()
    part.rename(cluster.data)


def start_server(cluster: Cluster) -> Process:
    """Start the postmaster; it answers a moment later."""
    _own_folder(cluster.sockets, cluster.user)
    forget_dead_postmaster(cluster)
    postgres = programs_for(cluster.user, cluster.folder.parent) / "postgres"
    command = [str(postgres), "-D", str(cluster.data), "-k", str(cluster.sockets)]
    settings = {"listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": "200"}
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return start(command, _environment(cluster), cluster.log, cluster.user)


def postmaster(cluster: Cluster) -> Process | None:
    """The server's first process, where it is alive. A number that another program has by now does not count."""
    try:
        pid = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return find(pid) if os.fsencode(cluster.data) in command else None


def forget_dead_postmaster(cluster: Cluster) -> None:
    """Remove the lock file of a server that was killed: its number may belong to another program by now."""
    if postmaster(cluster) is None:
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)


def _server_user() -> User:
    """The user that the server runs as under root, made where the machine does not have it."""
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PlatformError(
                f"PostgreSQL cannot run as root, and the user {SERVER_USER!r} cannot be made for it ({error}); "
                "run evol as an ordinary user"
            ) from error
        entry = pwd.getpwnam(SERVER_USER)
    return User(uid=entry.pw_uid, gid=entry.pw_gid)


def _state_folder() -> Path:
    for folder in STATE_FOLDERS:
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        if folder.lstat().st_uid == 0 and not folder.is_symlink():
            folder.chmod(0o755)
            return folder
    raise PlatformError(f"no folder for the database could be made, tried {[str(folder) for folder in STATE_FOLDERS]}")


def _own_folder(folder: Path, user: User) -> None:
    """Make the folder for that user alone; one that somebody else has put there is refused."""
    private_folder(folder)
    if folder.lstat().st_uid == os.geteuid():
        _give(folder, user)
    owner = os.geteuid() if user.uid is None else user.uid
    if folder.lstat().st_uid != owner or folder.is_symlink():
        raise PlatformError(f"{folder} belongs to somebody else; remove it, or set EVOL_HOME to another folder")
    folder.chmod(0o700)


def _give(path: Path, user: User) -> None:
    if user.uid is not None and user.gid is not None:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


def _run(cluster: Cluster, program: str, *arguments: str) -> None:
    programs = programs_for(cluster.user, cluster.folder.parent)
    run = run_as(cluster.user, [str(programs / program), *arguments], _environment(cluster))
    if run.returncode != 0:
        raise PlatformError(f"{program} could not make the database in {cluster.folder}: {run.stderr.strip()}")


def _environment(cluster: Cluster) -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", MARK: str(cluster.home)}
