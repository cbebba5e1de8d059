"""The layout of a YAML text that people keep: `format_text`.

Lines are moved and tidied, nothing else: mappings are indented by two columns, sequences by two more than
their key, one space follows a colon or dash, comments move with the text next to them. Lines are not
joined or broken; words, quotes, styles and order stay. ruamel.yaml's own writer is not used for this: it
joins the lines of flow collections and of plain text, and loses comments inside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from stackd.rewrite.lines import INDENT, Block, Level, Marked, Pin, Span, mark
from stackd.rewrite.sameness import Unsafe, read, require_same

_BLANKS: Final = " \t"
_NOWHERE: Final = 1 << 30
_NO_LEVELS: Final[Sequence[Level]] = ()


def format_text(text: str, file: str = "") -> str:
    """The text in the one layout; what it means stays, and so do line ends of Windows where most are.

    Raises TemplateError for a text that is not YAML, Unsafe for one that cannot be laid out.
    """
    from ruamel.yaml.error import YAMLError

    ends_in_return = 2 * text.count("\r\n") > text.count("\n")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    read(text, file)
    try:
        laid = lay_out(text)
    except YAMLError as error:
        raise Unsafe(f"The text cannot be laid out: {error}") from error
    if laid != text:
        require_same(text, laid)
    return laid.replace("\n", "\r\n") if ends_in_return else laid


def lay_out(text: str) -> str:
    """The text in the one layout, not compared with what it was; raises YAMLError of ruamel.yaml."""
    lines = text.removesuffix("\n").split("\n")
    marked = mark(lines)
    moved: dict[int, str] = {}
    for block in marked.blocks:
        _move_block(block, lines, moved, marked)
    for span in marked.spans:
        _move_span(span, lines, moved)
    for number, pins in marked.pins.items():
        if pins:
            moved[number] = _pinned(lines[number], pins)
    moved |= _moved_comments(lines, marked, moved)
    laid = [moved.get(number, line) for number, line in enumerate(lines)]
    is_open = not text.endswith("\n") and len(lines) - 1 in marked.kept  # a line end would become content
    return _tidied(laid, marked) + ("" if is_open else "\n")


def _move_span(span: Span, lines: Sequence[str], moved: dict[int, str]) -> None:
    """Move the later lines of a scalar or flow collection as far as the collection around it moves."""
    shift = span.level.new - span.level.old if span.level else 0
    for number in range(span.first + 1, span.last + 1):
        line = lines[number]
        rest = line.lstrip(_BLANKS)
        lead = line[: len(line) - len(rest)]
        moved[number] = (lead + " " * shift if shift > 0 else lead[: max(len(lead) + shift, 0)]) + rest


def _move_block(block: Block, lines: Sequence[str], moved: dict[int, str], marked: Marked) -> None:
    """Give the lines of a block scalar the column that belongs to it; what is behind that is content."""
    level = block.level
    old = _content_column(block, lines)
    given = _given_indent(block)
    new = old if level is None else level.new + (given or INDENT)
    last = block.line
    for number, line in _content_lines(block.line + 1, old, lines):
        moved[number] = " " * new + line[old:] if len(line) > old else ""
        last = number if moved[number] or "+" in block.header else last
    marked.kept.update(range(block.line + 1, last + 1))
    marked.inside.update(range(block.line + 1, last + 1))


def _given_indent(block: Block) -> int:
    """The indentation in the header of a block scalar; 0 if it has none."""
    return next((int(sign) for sign in block.header.split("#")[0] if sign.isdigit()), 0)


def _content_column(block: Block, lines: Sequence[str]) -> int:
    """The column in which the content of a block scalar begins; `_NOWHERE` when it has only empty lines."""
    base = block.level.old if block.level else -1
    if given := _given_indent(block):
        return max(base, 0) + given
    for line in lines[block.line + 1 :]:
        if line.strip(_BLANKS):
            found = len(line) - len(line.lstrip(" "))
            return found if found > base else _NOWHERE
    return _NOWHERE


def _content_lines(start: int, column: int, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines of a block scalar that begins at a line and column, by number."""
    for number in range(start, len(lines)):
        line = lines[number]
        if line.strip(" ") and line[:column].strip(" "):
            return
        yield number, line


def _pinned(line: str, pins: Sequence[Pin]) -> str:
    """The line with its parts in the columns that they get."""
    text = ""
    ends = [*(pin.old for pin in pins[1:]), len(line)]
    for pin, end in zip(pins, ends, strict=True):
        text = text.rstrip(_BLANKS)
        text += " " * (pin.gap if pin.new is None else pin.new - len(text)) + line[pin.old : end]
    return text


def _moved_comments(lines: Sequence[str], marked: Marked, moved: Mapping[int, str]) -> dict[int, str]:
    """The lines that are comments, by number, each in the column of what it belongs to."""
    comments: dict[int, str] = {}
    levels = _NO_LEVELS
    following = _following(marked, len(lines))
    for number, line in enumerate(lines):
        levels = marked.levels.get(number, levels)
        text = line.strip(_BLANKS)
        if number not in moved and text.startswith("#"):
            column = len(line) - len(line.lstrip(_BLANKS))
            comments[number] = " " * _comment_column(column, levels, following[number]) + text
    return comments


def _following(marked: Marked, count: int) -> list[Pin]:
    """For each line the first pin of the next one that has any."""
    following: list[Pin] = []
    pin = Pin(0, 0)
    for number in reversed(range(count)):
        following.append(pin)
        pins = marked.pins.get(number)
        pin = pins[0] if pins else pin
    return following[::-1]


def _comment_column(column: int, levels: Sequence[Level], following: Pin) -> int:
    """The column of a comment: that of what follows, or of a collection before it if it stands deeper."""
    if column <= following.old:
        return following.new or 0
    known = [(level.old, level.new) for level in levels] + [(following.old, following.new or 0)]
    within = [each for each in known if each[0] <= column]
    return max(enumerate(within), key=lambda each: (each[1][0], each[0]))[1][1]


def _tidied(lines: Sequence[str], marked: Marked) -> str:
    """The lines without blanks at their ends, or more than one empty line in a row, as one text."""
    tidy: list[str] = []
    for number, line in enumerate(lines):
        shown = line if number in marked.kept else line.rstrip(_BLANKS)
        if shown or number in marked.inside or (tidy and tidy[-1]):
            tidy.append(shown)
    while tidy and not tidy[-1] and len(lines) - 1 not in marked.inside:
        tidy.pop()
    return "\n".join(tidy)
