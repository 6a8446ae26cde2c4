"""What people do to versions: tag, roll back, retract. Each leaves an event that is kept for audit.

Every function runs on its caller's connection and never commits; doing the same again changes nothing.
"""

import re

import sqlalchemy as sa

from evol_core.errors import ConfigError
from evol_core.lineage.text import storable
from evol_core.lineage.versions import Version

_TAG = re.compile(r"[a-z][a-z0-9._-]{0,62}")


def tag_version(connection: sa.Connection, version: Version, tag: str, by: str) -> None:
    """Let NAME@TAG mean this version; the tag leaves the version that had it.

    Raises:
        ConfigError: this is no tag, or the version is retracted.
    """
    if not _TAG.fullmatch(tag):
        raise ConfigError(
            f"a tag is a lower-case letter, then up to 62 of a-z, 0-9, '.', '_' and '-', got {tag!r}; "
            "a number alone means a version"
        )
    _call(connection, "tag_version", version, tag, by)


def untag_version(connection: sa.Connection, version: Version, tag: str, by: str) -> None:
    """Take a tag away from the version that has it.

    Raises:
        NotFound: the version has no such tag.
    """
    _call(connection, "untag_version", version, tag, by)


def rollback_version(connection: sa.Connection, version: Version, by: str, reason: str) -> None:
    """Let the bare name mean this published version; the others stay as they are.

    Raises:
        ConfigError: the version is not published, or there is no reason.
    """
    _call(connection, "rollback_version", version, by, _said(reason, "roll back"))


def retract_version(connection: sa.Connection, version: Version, by: str, reason: str) -> None:
    """Take a version back for good; its objects and lineage are kept for audit, the first reason stands.

    Raises:
        ConfigError: there is no reason.
    """
    _call(connection, "retract_version", version, by, _said(reason, "retract"))


def _said(reason: str, doing: str) -> str:
    if not reason.strip():
        raise ConfigError(f"--reason is empty; say why you {doing}, it is kept for audit")
    return storable(reason.strip())


def _call(connection: sa.Connection, function: str, version: Version, *said: str) -> None:
    connection.execute(
        sa.text(f"SELECT lineage.{function}(:name, :version, :first, :second)"),
        {"name": version.name, "version": version.version, "first": said[0], "second": said[1]},
    )
