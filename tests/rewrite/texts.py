"""Texts of YAML as careless people write them: any indentation, comments anywhere, every style of scalar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

SCALARS = (
    *(
        "yes",
        "No",
        "ON",
        "2013-05-23",
        "2013-05-23T10:20:30Z",
        "017",
        "0o17",
        "08",
        "1e3",
        "1.5e+3",
        "12:30:45",
    ),
    *(
        "0x1F",
        "0b11",
        "1_000",
        ".inf",
        ".NaN",
        "-1",
        "+.5",
        "~",
        "null",
        "",
        "OS::Nova::Server",
        "a  b",
        "x#y",
    ),
    *(
        "'it''s  '",
        '"a\\tb  # no comment"',
        "'yes'",
        '"2013-05-23"',
        "http://example.org/a?b=c",
        "$x",
        "<<x",
        "=x",
    ),
    *(
        "[]",
        "{}",
        "[a, 'b', 1]",
        "{type: OS::Nova::Server}",
        "{ min: 1,  max: 2 }",
        "!!str 12",
        "&an x",
        "é ☃ 🎉",
    ),
)
SHORT = ("a", "true", "12", "'q'", '"r"', "get_param", "OS::x")
KEYS = (
    "name",
    "get_param",
    "'quoted key'",
    '"key"',
    "OS::Nova",
    "12",
    "yes",
    "$var",
    "key with words",
    "ключ",
)
LINES = ("text", "  more", "# no comment", "trailing  ", "- dash", "key: value", "", "", "\ttab", "%x")


@st.composite
def untidy_texts(draw: Any) -> str:
    """A document whose root is a mapping or a sequence."""
    lines = [*_between(draw, 0), *_collection(draw, 0, 3), *_between(draw, 0)]
    head = ["---"] if draw(st.integers(0, 9)) == 0 else []
    return "\n".join([*head, *lines]) + draw(st.sampled_from(("\n", "\n", "", "\n\n  \n")))


def _between(draw: Draw, column: int) -> list[str]:
    """Comments and empty lines as they stand between others."""
    found = []
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 1, 2, 3)))):
        space = " " * draw(st.sampled_from((column, column, column + 1, 0, column + 4)))
        found.append(draw(st.sampled_from((f"{space}# remark: {{x", f"{space}#y  ", "", "  "))))
    return found


def _end(draw: Draw) -> str:
    return str(draw(st.sampled_from(("", "", "", "", "  ", " # why", "   # {why: [  "))))


def _collection(draw: Draw, column: int, depth: int) -> list[str]:
    """The lines of a block mapping or sequence that begins in a column."""
    is_map = draw(st.booleans())
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True))
    lines: list[str] = []
    for key in keys:
        lines += _between(draw, column) if lines else []
        lines += _entry(draw, column, key, depth) if is_map else _item(draw, column, depth)
    return lines


def _entry(draw: Draw, column: int, key: str, depth: int) -> list[str]:
    lead = " " * column + key + draw(st.sampled_from(("", "", "", " "))) + ":"
    if depth and draw(st.booleans()):
        deeper = column + draw(st.integers(1, 5))
        inner = _between(draw, deeper) + _collection(draw, deeper, depth - 1)
        if inner[-1].startswith(" " * deeper + "-") and draw(st.booleans()):
            inner = [line[deeper - column :] if line[: deeper - column].isspace() else line for line in inner]
        return [lead + draw(st.sampled_from(("", "", f"  &a{column}"))) + _end(draw), *inner]
    return _valued(draw, lead + " ", column)


def _item(draw: Draw, column: int, depth: int) -> list[str]:
    lead = " " * column + "-"
    if not depth or draw(st.booleans()):
        return _valued(draw, lead + " ", column)
    gap = draw(st.integers(1, 4))
    inner = _collection(draw, column + 1 + gap, depth - 1)
    if draw(st.integers(0, 4)) == 0:
        return [lead + _end(draw), *inner]
    return [lead + " " * gap + inner[0].lstrip(), *inner[1:]]


def _valued(draw: Draw, lead: str, column: int) -> list[str]:
    """A scalar or flow collection after its key or dash."""
    make = draw(st.sampled_from((_single, _single, _single, _block, _flow, _quoted, _plain)))
    return list(make(draw, lead + " " * draw(st.sampled_from((0, 0, 0, 1, 3))), column))


def _single(draw: Draw, lead: str, column: int) -> list[str]:
    scalar = draw(st.sampled_from(SCALARS))
    if scalar and draw(st.integers(0, 9)) == 0:
        return [lead + _end(draw), " " * (column + draw(st.integers(1, 5))) + scalar]
    return [lead + scalar + _end(draw)]


def _block(draw: Draw, lead: str, column: int) -> list[str]:
    indent = draw(st.integers(1, 5))
    header = draw(st.sampled_from("|>")) + draw(st.sampled_from(("", "", "-", "+")))
    texts = draw(st.lists(st.sampled_from(LINES), max_size=4))
    first = next((text for text in texts if text), "")
    if first.startswith(" ") or draw(st.integers(0, 5)) == 0:
        header += str(indent)
    return [lead + header + _end(draw), *(" " * (column + indent) + text if text else text for text in texts)]


def _flow(draw: Draw, lead: str, column: int) -> list[str]:
    space = [" " * (column + draw(st.integers(1, 9))) for _ in range(3)]
    words = draw(st.lists(st.sampled_from(SHORT), min_size=2, max_size=2))
    if draw(st.booleans()):
        last = draw(st.sampled_from((f"{words[1]} ]", f"'a\n{space[1]}b'  ]")))
        return f"{lead}[ {words[0]}, # first\n{space[0]}{last}{_end(draw)}".split("\n")
    comment = draw(st.sampled_from(("", "  # inside", f"\n{space[2]}# inside")))
    return f"{lead}{{{comment}\n{space[0]}a: {words[0]},\n\n{space[1]}b: {words[1]}\n{space[2]}}}".split("\n")


def _quoted(draw: Draw, lead: str, column: int) -> list[str]:
    quote = draw(st.sampled_from("'\""))
    space = " " * (column + draw(st.integers(1, 6)))
    blank = draw(st.sampled_from(("", "\n", "\n   \n")))
    return f"{lead}{quote}some  text  \n{blank}{space}goes  on {quote}{_end(draw)}".split("\n")


def _plain(draw: Draw, lead: str, column: int) -> list[str]:
    space = " " * (column + draw(st.integers(1, 6)))
    return f"{lead}some text\n{draw(st.sampled_from(('', chr(10))))}{space}goes on{_end(draw)}".split("\n")
