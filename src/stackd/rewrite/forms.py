"""What takes the place of a mapping: plain data in which `Take` stands for parts of what was there.

A form is filled twice: with data, which gives the meaning of the result, and with pieces of the text, which
keep their comments and styles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from stackd.rewrite.lines import INDENT
from stackd.rewrite.source import NoPlace, SourceText
from stackd.template.functions.base import TemplatePath
from stackd.template.scalars import resolve_scalar

Form = Any


class Take(NamedTuple):
    """The part at a path inside of what is replaced."""

    path: TemplatePath


def filled(form: Form, data: Any) -> Any:
    """The form with parts of data."""
    if isinstance(form, Take):
        for part in form.path:
            data = data[part]
        return data
    if isinstance(form, dict):
        return {key: filled(each, data) for key, each in form.items()}
    if isinstance(form, list):
        return [filled(each, data) for each in form]
    return form


def taken(form: Form) -> list[TemplatePath]:
    """The paths of all parts that a form takes."""
    if isinstance(form, Take):
        return [form.path]
    parts = form.values() if isinstance(form, dict) else form if isinstance(form, list) else ()
    return [path for part in parts for path in taken(part)]


class Filler:
    """Fills forms with the pieces of the text at a path."""

    def __init__(self, source: SourceText, path: TemplatePath) -> None:
        self._source = source
        self._path = path
        self.node = source.node(path)
        self._quote = '"' if self.node.value[0][0].style == '"' else ""
        """What new words stand in: JSON stays JSON."""

    def text(self, form: Form) -> str:
        """The form as text that can stand where the mapping stood; raises NoPlace."""
        return self._flow(form) if self.node.flow_style else self._block(form, self.node.start_mark.column)

    def lost_comments(self, form: Form) -> list[str]:
        """The comments in the mapping that stand in no piece that the form takes."""
        kept = [self._source.node(self._path + path) for path in taken(form)]
        spans = [(node.start_mark.index, self._source.end(node)) for node in kept]
        return [
            comment
            for at, gap in self._source.gaps(self.node)
            if not any(start <= at < end for start, end in spans)
            for comment in _comments(gap)
        ]

    def _block(self, form: Form, column: int) -> str:
        if isinstance(form, Take):
            return self._piece(self._source.node(self._path + form.path), column)
        if isinstance(form, dict):
            entries = (f"{key}:{self._value(each, column)}" for key, each in form.items())
            return f"\n{' ' * column}".join(entries)
        return self._flow(form)

    def _value(self, form: Form, column: int) -> str:
        """What follows a key that stands in a column."""
        if isinstance(form, list):
            return self._items(form, column)
        node = self._source.node(self._path + form.path) if isinstance(form, Take) else None
        is_block = isinstance(form, dict) or (
            node is not None and node.id != "scalar" and not node.flow_style
        )
        if is_block:
            return f"\n{' ' * (column + INDENT)}{self._block(form, column + INDENT)}"
        return f" {self._block(form, column)}"

    def _items(self, form: list[Form], column: int) -> str:
        """A sequence after its key: on one line, unless it takes a block."""
        try:
            return f" {self._flow(form)}"
        except NoPlace:
            lead = f"\n{' ' * (column + INDENT)}- "
            return "".join(f"{lead}{self._block(each, column + 2 * INDENT)}" for each in form)

    def _piece(self, node: Any, column: int) -> str:
        """The text of a node, moved to a column; a scalar or flow collection belongs to a key in it."""
        first, *lines = self._source.text[node.start_mark.index : self._source.end(node)].split("\n")
        if node.id != "scalar" and not node.flow_style:
            shift = column - node.start_mark.column
        else:
            used = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
            shift = column + INDENT - min(used, default=0)
        return "\n".join([first, *(_shifted(line, shift) for line in lines)])

    def _flow(self, form: Form) -> str:
        if isinstance(form, Take):
            node = self._source.node(self._path + form.path)
            return self._flow_piece(node, self._source.text[node.start_mark.index : self._source.end(node)])
        if isinstance(form, dict):
            entries = (f"{self._flow(key)}: {self._flow(each)}" for key, each in form.items())
            return "{" + ", ".join(entries) + "}"
        if isinstance(form, list):
            return "[" + ", ".join(map(self._flow, form)) + "]"
        return f"{self._quote}{form}{self._quote}" if isinstance(form, str) else str(form)

    def _flow_piece(self, node: Any, text: str) -> str:
        if (node.id == "scalar" and node.style in ("|", ">")) or (
            node.id != "scalar" and not node.flow_style
        ):
            raise NoPlace("a block")
        is_word = node.id == "scalar" and node.style is None and isinstance(resolve_scalar(text), str)
        return "'" + text.replace("'", "''") + "'" if is_word and not set(text).isdisjoint(",[]{}") else text


def _shifted(line: str, shift: int) -> str:
    if not line.strip():
        return line
    return " " * shift + line if shift > 0 else line[min(-shift, len(line) - len(line.lstrip(" "))) :]


def _comments(gap: str) -> list[str]:
    """The comments in what stands between scalars."""
    return [line[line.index("#") :].rstrip() for line in gap.split("\n") if "#" in line]
