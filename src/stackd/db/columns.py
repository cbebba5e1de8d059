"""Columns, and the stored form of each.

``form`` in a column's ``info`` is how a record's field is converted to the column and back (``codec.py``
does it). Only the forms that begin with ``SEALED`` may contain secrets: they are encrypted
before they reach the database; of the form ``NAME`` are ids, encrypted only where they are ``Hidden``.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Text
from sqlalchemy.types import TypeEngine


class Form(enum.Enum):
    """The stored form of a record's field in its column."""

    PLAIN = enum.auto()
    NAME = enum.auto()  # text, encrypted if it is ``Hidden``
    PROSE = enum.auto()  # text written by people and services: what a database cannot keep is replaced
    FLAG = enum.auto()
    TIME = enum.auto()
    ACTION = enum.auto()
    STATUS = enum.auto()
    HOOK_STATE = enum.auto()
    DRIFT_STATE = enum.auto()
    NAMES = enum.auto()  # tuple of strings as a JSON array; NULL is None
    MAP = enum.auto()  # mapping as JSON; NULL is the empty mapping
    SEALED_TEXT = enum.auto()
    SEALED_MAP = enum.auto()  # NULL is the empty mapping
    SEALED_JSON = enum.auto()  # NULL is None


SEALED_FORMS = frozenset({Form.SEALED_TEXT, Form.SEALED_MAP, Form.SEALED_JSON})

# A field that is a Definition is three columns: template, environment and files.
DEFINITION_COLUMNS = {
    "definition": ("template", "environment", "files"),
    "previous": ("previous_template", "previous_environment", "previous_files"),
}

# The column that the database fills: the order of events.
ASSIGNED = "seq"

_TYPES: dict[Form, type[TypeEngine[Any]]] = {
    Form.PROSE: Text,
    Form.FLAG: Boolean,
    Form.TIME: BigInteger,
    Form.ACTION: String,
    Form.STATUS: String,
    Form.HOOK_STATE: String,
    Form.DRIFT_STATE: String,
    Form.NAMES: Text,
    Form.MAP: Text,
    Form.SEALED_TEXT: LargeBinary,
    Form.SEALED_MAP: LargeBinary,
    Form.SEALED_JSON: LargeBinary,
}


def column(
    name: str, form: Form = Form.PLAIN, kind: type[TypeEngine[Any]] = String, **options: Any
) -> Column[Any]:
    """A column that is never NULL."""
    options.setdefault("nullable", False)
    return Column(name, _TYPES.get(form, kind), info={"form": form}, **options)


def optional(name: str, form: Form = Form.PLAIN, kind: type[TypeEngine[Any]] = String) -> Column[Any]:
    """A column that may be NULL."""
    return column(name, form, kind, nullable=True)


def numbered(name: str) -> Column[Any]:
    """A primary key that the database counts."""
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, number, primary_key=True, autoincrement=True, info={"form": Form.PLAIN})


def form_of(column: Column[Any]) -> Form:
    """The stored form of ``column``."""
    form = column.info["form"]
    assert isinstance(form, Form)
    return form
