"""Query results as plain data: what commands print and programs read as JSON."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa


def rows_of(connection: sa.Connection, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """A query's rows, with ids and times as text."""
    result = connection.execute(sa.text(query), parameters)
    return [{name: plain(value) for name, value in row._mapping.items()} for row in result]


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
