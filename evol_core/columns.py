"""Columns of Parquet tables, and tables of them that carry their name and schema version."""

from typing import Any

import pyarrow as pa


def table(name: str, version: str, *fields: "pa.Field[Any]") -> pa.Schema:
    return pa.schema(fields, metadata={"evol.table": name, "evol.schema": version})


def text(name: str, *, nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, pa.string(), nullable=nullable)


def whole(name: str, *, nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, pa.int64(), nullable=nullable)


def flag(name: str) -> "pa.Field[Any]":
    return pa.field(name, pa.bool_(), nullable=False)


def real(name: str) -> "pa.Field[Any]":
    return pa.field(name, pa.float64())


def reals(name: str) -> "pa.Field[Any]":
    return pa.field(name, pa.list_(_item(pa.float32())))


def texts(name: str) -> "pa.Field[Any]":
    return pa.field(name, pa.list_(_item(pa.string())), nullable=False)


def _item(kind: pa.DataType) -> "pa.Field[Any]":
    """Of a list, called as Parquet calls it, so that the columns read are the columns written."""
    return pa.field("element", kind)
