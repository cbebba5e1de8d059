"""Errors for a text that is neither YAML nor JSON: the place, and what was expected there."""

from __future__ import annotations

import json
from typing import Final

from yaml.error import YAMLError

from stackd.errors import Place, TemplateError

_WIDEST: Final = 120

# The parser's messages, and their most frequent cause.
_REMEDIES: Final = (
    ("cannot start any token", "Indent with spaces, and quote texts that begin with a special character."),
    ("mapping values are not allowed", "Quote a text that contains ': ', or correct the indentation."),
    ("did not find expected ',' or ']'", "Close the list with ], or part its items with commas."),
    ("did not find expected ',' or '}'", "Close the map with }, or part its entries with commas."),
    ("unexpected end of stream", "Close the quotation."),
    ("could not find expected ':'", "Write a colon after the key, and indent what belongs to it."),
    ("did not find expected key", "Correct the indentation: keys of one map begin in the same column."),
    ("did not find expected '-' indicator", "Begin each item of the list with - in the same column."),
    ("undefined alias", "Define the anchor before its alias."),
)


def syntax_error(file: str, text: str, error: YAMLError) -> TemplateError:
    """The error for a parser failure."""
    context = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or context
    if mark is not None and context is not None and mark.line >= len(text.splitlines()):
        mark = context  # something is open at the end: show where it begins
    if mark is None:
        return unreadable(file, str(error), Place(file))
    line, snippet = _quoted(text, mark.line, mark.column)
    problem = f"{getattr(error, 'context', '')} {getattr(error, 'problem', '')}"
    remedy = next((remedy for words, remedy in _REMEDIES if words in problem), "Correct the syntax.")
    if complaint := _as_json(text):
        remedy = f"{remedy} Read as JSON: {complaint}."
    place = Place(file, mark.line + 1, mark.column + 1)
    return unreadable(file, f"{error}{snippet}", place, remedy, line.strip() or None)


def unreadable(
    file: str, problem: str, place: Place, remedy: str = "Correct the syntax.", value: str | None = None
) -> TemplateError:
    """The error for a text that cannot be read."""
    message = f"Error parsing template {file or '[root stack]'} {problem}"
    return TemplateError(message, place=place, remedy=remedy, value=value)


def _quoted(text: str, line: int, column: int) -> tuple[str, str]:
    """A line of the text, and the same for people with a mark below the column."""
    lines = text.splitlines()
    if line >= len(lines):
        return "", "."
    start = max(0, column - _WIDEST // 2)
    shown = lines[line][start : start + _WIDEST]
    return shown, f":\n    {shown}\n    {' ' * (column - start)}^"


def _as_json(text: str) -> str:
    """What is wrong with a text that seems to be meant as JSON; empty for others."""
    if text.lstrip()[:1] != "{" or text.lstrip()[1:].lstrip()[:1] != '"':
        return ""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        return ""
    return ""
