"""A plan as lines for people: what would be done to which resource, and because of what. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

NO_CHANGES: Final = "No changes."
KNOWN_LATER: Final = "(known after apply)"
_NOT_SET: Final = "(not set)"
_IN_PLACE: Final = "cannot be changed in place"
_WIDEST: Final = 80
_COUNTED: Final = ("create", "update", "replace", "delete")
_REFUSED: Final = "refused"


class Span(NamedTuple):
    """A part of a line, and its style as rich names it."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


class _Verb(NamedTuple):
    """How a verb is shown."""

    sign: str
    style: str


_VERBS: Final[Mapping[str, _Verb]] = {
    "create": _Verb("+", "green"),
    "update": _Verb("~", "yellow"),
    "replace": _Verb("-/+", "magenta"),
    "delete": _Verb("-", "red"),
    "adopt": _Verb("+", "green"),
    "abandon": _Verb("-", "yellow"),
}
_OTHER: Final = _Verb("~", "yellow")
_NOT_DONE: Final = _Verb("!", "red")


def plan_lines(plan: Mapping[str, Any]) -> list[Line]:
    """The steps of a plan, as the API gives it, with their causes, and how many there are of each verb."""
    steps = plan.get("steps") or ()
    if not steps:
        return [(Span(NO_CHANGES),)]
    lines = [line for step in _by_tree(steps) for line in _step_lines(step)]
    return [*lines, (), (Span(summary_text(plan.get("summary") or {}), "bold"),)]


def summary_text(summary: Mapping[str, int]) -> str:
    """How many resources each verb is for, and how many of the changes are refused."""
    others = [verb for verb in summary if verb not in (*_COUNTED, "keep", _REFUSED) and summary[verb]]
    counts = [f"{summary.get(verb, 0)} to {verb}" for verb in (*_COUNTED, *others)]
    return ", ".join([*counts, f"{summary[_REFUSED]} refused"] if summary.get(_REFUSED) else counts)


def refused_text(plan: Mapping[str, Any]) -> str:
    """Which changes of a plan are refused, and by what; empty if none is."""
    refused = [step for step in plan.get("steps") or () if step.get(_REFUSED)]
    return " ".join(f"{_place(step)}: {step[_REFUSED]}" for step in refused)


def plain_text(lines: Sequence[Line]) -> str:
    """The lines without styles."""
    return "\n".join("".join(span.text for span in line) for line in lines)


def _by_tree(steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The steps, those inside a nested stack after that of its resource."""
    first: dict[tuple[str, ...], int] = {}
    for number, step in enumerate(steps):
        for length in range(1, len(step["path"]) + 1):
            first.setdefault(tuple(step["path"][:length]), number)
    return sorted(
        steps,
        key=lambda step: [first[tuple(step["path"][:length])] for length in range(1, len(step["path"]) + 1)],
    )


def _step_lines(step: Mapping[str, Any]) -> Iterator[Line]:
    """A resource, and below it the properties because of which something is done to it."""
    verb = str(step["verb"])
    shown = _NOT_DONE if step.get(_REFUSED) else _VERBS.get(verb, _OTHER)
    causes = step.get("causes") or ()
    notes = [note for cause in causes if not cause.get("path") for note in _notes(cause)]
    if step.get("deferred") and not any(cause.get("rule") for cause in causes if not cause.get("path")):
        notes.append("planned when what it depends on is known")
    if step.get(_REFUSED):
        notes.insert(0, f"refused: {step[_REFUSED]}")
    yield (
        Span(f"{shown.sign:>5} {verb:<8} ", shown.style),
        Span(_place(step), "bold"),
        Span(f" ({_short_type(step['type'])})"),
        *_remark(notes),
    )
    for cause in causes:
        if cause.get("path"):
            yield from _cause_lines(cause)


def _place(step: Mapping[str, Any]) -> str:
    """The names that lead to a step's resource."""
    return "/".join(map(str, step["path"]))


def _short_type(name: str) -> str:
    """A type as it is known; of a template's URL the last part."""
    return name if "::" in name else name.rsplit("/", 1)[-1]


def _notes(cause: Mapping[str, Any]) -> list[str]:
    """The notes on a cause besides its values."""
    rule = str(cause.get("rule") or "")
    if not cause.get("replaces"):
        return [rule] if rule else []
    return ["forces replacement" if rule in ("", _IN_PLACE) else f"forces replacement: {rule}"]


def _cause_lines(cause: Mapping[str, Any]) -> Iterator[Line]:
    """A changed property: a line for each part of a map that differs."""
    name = str(cause["path"]).removeprefix("properties.")
    parts = list(_differences(name, cause.get("old"), cause.get("new"), unknown=bool(cause.get("unknown"))))
    for path, old, new in parts:
        yield (Span(f"{'':15}{path}: {old} → {new}"), *_remark(_notes(cause)))
    if not parts:
        yield (Span(f"{'':15}{name}"), *_remark(_notes(cause)))


def _remark(notes: Sequence[str]) -> Line:
    """What stands behind a line as a comment."""
    if not notes:
        return ()
    style = "red" if any(note.startswith(("forces", "refused")) for note in notes) else "dim"
    return (Span(f"  # {'; '.join(notes)}", style),)


def _differences(path: str, old: Any, new: Any, *, unknown: bool) -> Iterator[tuple[str, str, str]]:
    """Where two values differ, and what stands there before and after, as text."""
    if unknown:
        yield path, _value(old), KNOWN_LATER
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) != new.get(key):
                yield from _differences(f"{path}.{_value(key)}", old.get(key), new.get(key), unknown=False)
    elif old != new:
        yield path, *_pair(_value(old), _value(new))


def _value(value: Any) -> str:
    """A value as it is written: a text without quotes, unless it could be taken for something else."""
    if value is None:
        return _NOT_SET
    if isinstance(value, str) and _is_word(value):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def _is_word(text: str) -> bool:
    """Whether a text cannot be taken for a value of another type, or for more than one."""
    if not text.isprintable() or text != text.strip() or text[:1] in ("", "(", "[", "{", '"') or "→" in text:
        return False
    try:
        json.loads(text)
    except ValueError:
        return True
    return False


def _pair(old: str, new: str) -> tuple[str, str]:
    """Two texts, cut to where they differ when they are long."""
    if max(len(old), len(new)) <= _WIDEST:
        return old, new
    same = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, same - _WIDEST // 4)
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    """A part of a text, with marks where more of it is left out."""
    if len(text) <= _WIDEST and not start:
        return text
    end = start + _WIDEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
