"""Templates in the contents of files: variables, sections, inverted sections and comments of Mustache."""

import html
import re
from typing import Any, List, Match, Optional

from stackd_cfntools.errors import ToolError

_TAG = re.compile(r"\{\{\{\s*(?P<raw>[^}]+?)\s*\}\}\}|\{\{\s*(?P<kind>[#^/!&]?)\s*(?P<name>[^}]*?)\s*\}\}")
_DEEPEST = 50


def rendered(text: str, context: Any) -> str:
    """The text with its variables replaced; what has no value becomes nothing."""
    return _rendered(text, [context])


def _rendered(text: str, stack: List[Any]) -> str:
    if len(stack) > _DEEPEST:
        raise ToolError("sections of the template are more than {} deep".format(_DEEPEST))
    done: List[str] = []
    at = 0
    while True:
        tag = _TAG.search(text, at)
        if tag is None:
            return "".join(done) + text[at:]
        done.append(text[at : tag.start()])
        at = tag.end()
        if tag.group("kind") and tag.group("kind") in "#^":
            end = _end_of(text, tag)
            done.append(_section(text[tag.end() : end.start()], tag, stack))
            at = end.end()
        else:
            done.append(_variable(tag, stack))


def _end_of(text: str, begin: Match[str]) -> Match[str]:
    """The tag that ends a section; sections of the same name may be inside."""
    depth, at = 1, begin.end()
    while True:
        tag = _TAG.search(text, at)
        if tag is None:
            raise ToolError("the section {{{{#{}}}}} of the template has no end".format(begin.group("name")))
        at = tag.end()
        if tag.group("name") == begin.group("name") and tag.group("kind"):
            depth += {"#": 1, "^": 1, "/": -1}.get(tag.group("kind"), 0)
        if depth == 0:
            return tag


def _section(inner: str, tag: Match[str], stack: List[Any]) -> str:
    value = _value(tag.group("name"), stack)
    if tag.group("kind") == "^":
        return "" if value else _rendered(inner, [*stack, {}])
    if not value:
        return ""
    items = value if isinstance(value, list) else [value]
    return "".join(_rendered(inner, [*stack, item]) for item in items)


def _variable(tag: Match[str], stack: List[Any]) -> str:
    raw: Optional[str] = tag.group("raw")
    kind, name = tag.group("kind"), raw or tag.group("name")
    if kind == "!":
        return ""
    if kind == "/":
        raise ToolError("the section {{{{/{}}}}} of the template has no beginning".format(name))
    value = _value(name, stack)
    text = "" if value is None else str(value)
    return text if raw or kind == "&" else html.escape(text)


def _value(name: str, stack: List[Any]) -> Any:
    if name == ".":
        return stack[-1]
    first, *rest = name.split(".")
    found = next((each[first] for each in reversed(stack) if isinstance(each, dict) and first in each), None)
    for part in rest:
        found = found.get(part) if isinstance(found, dict) else None
    return found
