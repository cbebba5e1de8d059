"""Data as YAML for people: `to_yaml`, the one writer of all YAML that stackd shows.

The layout is that of `format_text`. Whatever reads it, as YAML 1.1 or 1.2, gets the same data: texts that one
of them would take for something else are quoted.
"""

from __future__ import annotations

import functools
import io
import math
import re
from typing import TYPE_CHECKING, Any, Final

from stackd.rewrite.layout import lay_out
from stackd.rewrite.lines import INDENT
from stackd.template.parse import plain
from stackd.template.scalars import resolve_scalar

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_NESTED: Final = re.compile(r"^ *[-?:] {2,}\S", re.MULTILINE)
"""A sequence straight in a sequence, which ruamel.yaml indents by more than needed."""
_UNFOLDED: Final = 1 << 20
"""Wider than any line, so that no text is broken."""
_OTHERWISE: Final = re.compile(
    r"""[-+]?[0-9][0-9_]*(:[0-5]?[0-9])*(\.[0-9_]*)?([eE][-+]?[0-9]+)?
    | [-+]?\.[0-9_]+([eE][-+]?[0-9]+)?
    | 0o[0-7]+
    | \d{4}-\d\d?-\d\d?(([Tt]|\s+)\d.*)?
    | [yYnN] | = | <<
    """,
    re.VERBOSE,
)
"""What some reader takes for a number, a date or a sign, although Heat's loader does not."""


def to_yaml(value: Any) -> str:
    """The value as YAML that ends with a line end; mappings keep their order, aliases are written out."""
    out = io.StringIO()
    _yaml().dump({"root": plain(value)}, out)
    text = _root(out.getvalue())
    return lay_out(text) if _NESTED.search(text) else text


def _root(text: str) -> str:
    """The value of the only key as a document: ruamel.yaml lays a root out otherwise than the rest."""
    first, _, rest = text.removeprefix("root:").partition("\n")
    if first:
        return text.removeprefix("root: ")
    return re.sub(f"^ {{{INDENT}}}", "", rest, flags=re.MULTILINE)


def needs_quotes(text: str) -> bool:
    """Whether a text, written as it is, would be read as something else."""
    try:
        return resolve_scalar(text) is not text or _OTHERWISE.fullmatch(text) is not None
    except ValueError:  # a number of too many digits
        return True


def _style(text: str) -> str | None:
    """The style of a scalar: a block for several lines, where it can show them as they are."""
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        return '"'
    if len(lines) > 1:
        return '"' if text[:1] in " \n" or any(line.endswith(" ") for line in lines) else "|"
    return "'" if needs_quotes(text) else None


def _number(value: float) -> str:
    """A number with a fraction as both versions of YAML have it."""
    if math.isfinite(value):
        text = repr(value)
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


@functools.cache
def _yaml() -> YAML:
    """The writer, made at its first use: importing ruamel.yaml takes its time."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Represents plain data without aliases, texts in the style that keeps them texts."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

        def text(self, data: str) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=_style(data))

        def number(self, data: float) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:float", _number(data))

    Representer.add_representer(str, Representer.text)
    Representer.add_representer(float, Representer.number)
    yaml = YAML(typ="rt", pure=True)
    yaml.Representer = Representer
    yaml.width = _UNFOLDED
    yaml.indent(mapping=INDENT, sequence=2 * INDENT, offset=INDENT)
    return yaml
