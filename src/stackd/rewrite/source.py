"""A YAML text with its nodes: where each value and each key stands.

The nodes are those of ruamel.yaml's composer, which fails for some comments if it has to keep them. They are
found in the text itself instead: between scalars. What an alias or a merge repeats has no place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stackd.template.functions.base import TemplatePath
from stackd.template.scalars import key_text, resolve_scalar


class NoPlace(LookupError):
    """A value has no place of its own in the text, so that it cannot be changed there."""


class SourceText:
    """A text and the tree of its nodes."""

    def __init__(self, text: str) -> None:
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        yaml.allow_duplicate_keys = True
        self.text = text
        self.root = yaml.compose(text)

    def node(self, path: TemplatePath) -> Any:
        """The value at a path; raises NoPlace."""
        node = self.root
        for part in path:
            node = self._below(node, part)[1]
        return node

    def key(self, path: TemplatePath) -> Any:
        """The last key of a path; raises NoPlace."""
        return self._below(self.node(path[:-1]), path[-1])[0]

    @staticmethod
    def _below(node: Any, part: str | int) -> tuple[Any, Any]:
        if node.id == "sequence" and isinstance(part, int) and part < len(node.value):
            return None, node.value[part]
        if node.id == "mapping":
            for key, value in reversed(node.value):
                if key.id == "scalar" and _name(key) == part:
                    return key, value
        raise NoPlace(part)

    def end(self, node: Any) -> int:
        """Where the text of a node ends: that of a block collection with its last scalar; raises NoPlace."""
        if node.id == "scalar":
            piece = self.text[node.start_mark.index : node.end_mark.index]
            return int(node.start_mark.index) + len(piece.removesuffix("\n"))
        if node.flow_style:
            return int(node.end_mark.index)
        last = list(inner(node))[-1]
        if last.start_mark.index < node.start_mark.index:
            raise NoPlace("an alias")
        return self.end(last)

    def gaps(self, node: Any) -> Iterator[tuple[int, str]]:
        """What stands between the scalars of a node, with places: blanks, signs, comments; raises NoPlace."""
        at = node.start_mark.index
        for leaf in leaves(node):
            if leaf.start_mark.index < at:
                raise NoPlace("an alias")
            yield at, self.text[at : leaf.start_mark.index]
            at = max(self.end(leaf), at)
        yield at, self.text[at : self.end(node)]


def _name(key: Any) -> str:
    return key_text(resolve_scalar(key.value)) if key.style is None else str(key.value)


def inner(node: Any) -> Iterator[Any]:
    """The keys and values, or items, of a collection in the order of the text."""
    for each in node.value:
        yield from each if isinstance(each, tuple) else (each,)


def leaves(node: Any) -> Iterator[Any]:
    """All scalars in a node in the order of the text."""
    if node.id == "scalar":
        yield node
        return
    for each in inner(node):
        yield from leaves(each)
