"""Changes of a YAML text at single places: `apply_edits`. All around them stays, letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stackd.errors import StackdError
from stackd.rewrite.forms import Filler, Form, Take, filled
from stackd.rewrite.sameness import read, same
from stackd.rewrite.source import NoPlace, SourceText
from stackd.template.functions.base import TemplatePath

Span = tuple[int, int, str]
"""From where to where something stands, and what takes its place."""


@dataclass(frozen=True)
class Rename:
    """The last key of a path gets another name."""

    path: TemplatePath
    new: str

    @property
    def depth(self) -> int:
        """How deep the change is; what is inside of another change is changed first."""
        return len(self.path) - 1

    def on_data(self, data: Any) -> Any:
        """The data with the change, in place."""
        owner = _at(data, self.path[:-1])
        entries = [(self.new if key == self.path[-1] else key, value) for key, value in owner.items()]
        owner.clear()
        owner.update(entries)
        return data

    def on_text(self, source: SourceText) -> Span:
        """The change of the text; raises NoPlace."""
        key = source.key(self.path)
        return key.start_mark.index, source.end(key), _quoted_like(key, self.new)


@dataclass(frozen=True)
class Assign:
    """A scalar gets another text."""

    path: TemplatePath
    new: str

    @property
    def depth(self) -> int:
        """How deep the change is."""
        return len(self.path)

    def on_data(self, data: Any) -> Any:
        """The data with the change, in place."""
        _at(data, self.path[:-1])[self.path[-1]] = self.new
        return data

    def on_text(self, source: SourceText) -> Span:
        """The change of the text; raises NoPlace."""
        node = source.node(self.path)
        if node.id != "scalar" or node.style in ("|", ">"):
            raise NoPlace("no word")
        return node.start_mark.index, source.end(node), _quoted_like(node, self.new)


@dataclass(frozen=True)
class Reshape:
    """A form takes the place of a mapping."""

    path: TemplatePath
    form: Form

    @property
    def depth(self) -> int:
        """How deep the change is."""
        return len(self.path)

    def on_data(self, data: Any) -> Any:
        """The data with the change, in place."""
        owner = _at(data, self.path[:-1])
        owner[self.path[-1]] = filled(self.form, owner[self.path[-1]])
        return data

    def on_text(self, source: SourceText) -> Span:
        """The change of the text; raises NoPlace."""
        filler = Filler(source, self.path)
        start, end = filler.node.start_mark.index, source.end(filler.node)
        comments = filler.lost_comments(self.form)
        if comments and filler.node.flow_style:
            raise NoPlace("a comment inside")
        text = filler.text(self.form)
        lead = f"\n{' ' * filler.node.start_mark.column}"
        if not comments and self._is_one_value(source):
            return _after_key(source, self.path, start), end, f" {text}"
        return start, end, lead.join([*comments, text])

    def _is_one_value(self, source: SourceText) -> bool:
        """Whether a scalar or flow collection takes the place of a block, so that it can follow its key."""
        if not isinstance(self.form, Take) or not isinstance(self.path[-1], str):
            return False
        node = source.node(self.path + self.form.path)
        key = source.key(self.path)
        return (
            (node.id == "scalar" or node.flow_style)
            and key.id == "scalar"
            and not source.node(self.path).flow_style
        )


Edit = Rename | Assign | Reshape


def apply_edits(text: str, edits: Sequence[Edit]) -> tuple[str, list[Edit]]:
    """The text with the edits, and those of them that cannot be made without changing something else.

    The deepest come first, so that the paths of all are those of the text as it was.
    """
    failed: list[Edit] = []
    for depth in sorted({edit.depth for edit in edits}, reverse=True):
        level = [edit for edit in edits if edit.depth == depth]
        together = _tried(text, level)
        if together is not None:
            text = together
            continue
        for edit in level:
            alone = _tried(text, [edit])
            if alone is None:
                failed.append(edit)
            else:
                text = alone
    return text, failed


def _tried(text: str, edits: Sequence[Edit]) -> str | None:
    """The text with the edits; None when the parser does not find in it what the edits mean."""
    try:
        source = SourceText(text)
        spans = sorted({edit.on_text(source) for edit in edits}, reverse=True)
        wanted = _unshared(read(text))
        for edit in edits:
            wanted = edit.on_data(wanted)
        changed = text
        for start, end, new in spans:
            changed = changed[:start] + new + changed[end:]
        return changed if same(read(changed), wanted) else None
    except (NoPlace, StackdError):
        return None


def _unshared(value: Any) -> Any:
    """The same data without parts that stand in more than one place."""
    if isinstance(value, dict):
        return {key: _unshared(each) for key, each in value.items()}
    return [_unshared(each) for each in value] if isinstance(value, list) else value


def _at(data: Any, path: TemplatePath) -> Any:
    for part in path:
        data = data[part]
    return data


def _quoted_like(node: Any, word: str) -> str:
    quote = node.style if node.style in ("'", '"') else ""
    return f"{quote}{word}{quote}"


def _after_key(source: SourceText, path: TemplatePath, start: int) -> int:
    """Where the blanks before a value begin, unless a comment stands between it and its key."""
    text = source.text
    key_end = source.end(source.key(path))
    gap = text[key_end:start]
    return start - len(gap) + len(gap.rstrip()) if "#" not in gap else start
