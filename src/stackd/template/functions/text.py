"""Functions that make text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from types import NoneType
from typing import Any, Final
from urllib.parse import quote, urlencode

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Resolver
from stackd.template.unknown import Unknown, find_unknown

# Those with a result of variable length need the length as an argument.
ALGORITHMS: Final = frozenset(name.lower() for name in hashlib.algorithms_available if "shake" not in name)


def json_text(value: Any, default: Callable[[Any], str] | None = None) -> str:
    """Structures inside text: keys in order, everything ASCII."""
    return json.dumps(value, sort_keys=True, default=default)


class Join(Function):
    """The items of a list as one text, with a delimiter between them."""

    usage = "{list_join: [delimiter, list]}"

    def __init__(self, name: str = "list_join") -> None:
        self.name = name

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 2:
            raise ValueError(
                f'Incorrect arguments to "{self.name}" should be: "{self.name}" : [ " ", [ "str1", "str2"]]'
            )

    @override
    def check_values(self, args: Any) -> None:
        delimiter, items = args
        _check_items(self.name, items if items is not None else [], (str,), "strings")
        _check_delimiter(self.name, delimiter)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        delimiter, items = args
        return _join(delimiter, [item or "" for item in items or ()], run)


class JoinMultiple(Function):
    """The items of several lists as one text, with a delimiter between them."""

    usage = "{list_join: [delimiter, list, list, …]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) < 2:
            raise ValueError(
                'Incorrect arguments to "list_join" should be: "list_join" : [ " ", [ "str1", "str2"] ...]'
            )

    @override
    def check_values(self, args: Any) -> None:
        delimiter, *lists = args
        for items in filter(None, lists):
            _check_items("list_join", items, (str, dict, list), "string, map or list")
        _check_delimiter("list_join", delimiter)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        delimiter, *lists = args
        return _join(delimiter, [self._text(item) for items in lists for item in items or ()], run)

    @staticmethod
    def _text(item: Any) -> str:
        return json_text(item) if isinstance(item, dict | list) else item or ""


def _check_items(name: str, items: Any, kinds: tuple[type, ...], described: str) -> None:
    """Refuse items to join of other kinds; null is the empty text."""
    if not isinstance(items, list | Unknown):
        raise TypeError(f'"{name}" must operate on a list')
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, (*kinds, NoneType, Unknown)):
            raise TypeError(f"Items to join must be {described} not {item!r}"[:200])


def _check_delimiter(name: str, delimiter: Any) -> None:
    if not isinstance(delimiter, str | Unknown):
        raise TypeError(f'"{name}" delimiter must be a string')


def _join(delimiter: str, texts: list[str], run: Resolver) -> str:
    run.charge(text=sum(map(len, texts)) + len(delimiter) * len(texts))
    return delimiter.join(texts)


class Replace(Function):
    """A text with placeholders replaced by values."""

    takes_unknown = True
    usage = "{str_replace: {template: text, params: {placeholder: value}}}"

    def __init__(
        self,
        name: str = "str_replace",
        *,
        structures: bool = False,
        strict: bool = False,
        very_strict: bool = False,
        params_first: bool = False,
    ) -> None:
        self.name = name
        self.structures = structures
        self.strict = strict or very_strict
        self.very_strict = very_strict
        self.params_first = params_first

    @override
    def check(self, args: Any) -> None:
        params, _ = self._arguments(args)
        if not isinstance(params, dict | Call):
            raise TypeError(f'"{self.name}" parameters must be a mapping')

    def _arguments(self, args: Any) -> tuple[Any, Any]:
        if self.params_first:
            if not isinstance(args, list):
                raise TypeError(f'Arguments to "{self.name}" must be a list')
            if len(args) != 2:
                raise ValueError(f'Incorrect arguments to "{self.name}" should be: [ <params>, <template> ]')
            return args[0], args[1]
        if not isinstance(args, dict):
            raise TypeError(f'Arguments to "{self.name}" must be a map')
        if "params" not in args or "template" not in args:
            raise KeyError(f'"{self.name}" must have the keys template and params')
        return args["params"], args["template"]

    @override
    def check_values(self, args: Any) -> None:
        params, template = self._arguments(args)
        if not isinstance(template, str | Unknown):
            raise TypeError(f'"{self.name}" template must be a string')
        if not isinstance(params, dict | Unknown):
            raise TypeError(f'"{self.name}" params must be a map')
        for placeholder, value in params.items() if isinstance(params, dict) else ():
            self._check_param(placeholder, value)

    def _check_param(self, placeholder: str, value: Any) -> None:
        if not placeholder:
            raise ValueError(f'"{self.name}" params keys must not be empty')
        if self.very_strict and (value is None or value in ("", [], {})):
            raise ValueError(
                f"{self.name} has an undefined or empty value for param {placeholder}, "
                "must be a defined non-empty value"
            )
        if value is None or isinstance(value, str | int | float | Unknown):
            return
        if not (self.structures and isinstance(value, dict | list)):
            kinds = "strings, numbers, maps or lists" if self.structures else "strings or numbers"
            raise TypeError(f'"{self.name}" params must be {kinds}, param {placeholder} is not valid')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        params, template = self._arguments(args)
        for part in (params, template):
            if isinstance(part, Unknown):
                return part
        # Which placeholders are in the template does not depend on their values.
        unknown = find_unknown(params)
        render = _nothing if unknown is not None else _replacement
        placeholders = sorted(params, key=lambda text: (-len(text), text))
        values = {placeholder: render(params[placeholder]) for placeholder in placeholders}
        run.charge(work=len(placeholders) * (len(template) + 100))
        pieces: list[str] = [template]
        is_open: list[bool] = [True]
        unused: list[str] = []
        for placeholder in placeholders:
            if placeholder not in template:
                unused.append(placeholder)
                continue
            pieces, is_open, found = _split(pieces, is_open, placeholder, values[placeholder], run)
            if not found:
                unused.append(placeholder)
        if self.strict and unused:
            raise ValueError(f"The following params were not found in the template: {','.join(unused)}")
        return unknown if unknown is not None else "".join(pieces)


def _nothing(value: Any) -> str:
    return ""


def _replacement(value: Any) -> str:
    """The text of a value; null is the empty text."""
    if isinstance(value, dict | list):
        return json_text(value)
    return "" if value is None else str(value)


def _split(
    pieces: list[str], is_open: list[bool], placeholder: str, value: str, run: Resolver
) -> tuple[list[str], list[bool], bool]:
    """Replace one placeholder in the pieces that are still open; what was put in is closed for later ones."""
    made: list[str] = []
    flags: list[bool] = []
    found = False
    for piece, still_open in zip(pieces, is_open, strict=True):
        if not still_open or placeholder not in piece:
            made.append(piece)
            flags.append(still_open)
            continue
        found = True
        parts = piece.split(placeholder)
        run.charge(text=len(piece) + (len(parts) - 1) * len(value))
        for index, part in enumerate(parts):
            if index:
                made.append(value)
                flags.append(False)
            if part:
                made.append(part)
                flags.append(True)
    return made, flags, found


class Split(Function):
    """A text cut at each delimiter, as a list; or one item of it."""

    usage = "{str_split: [delimiter, text]} or {str_split: [delimiter, text, index]}"
    SHAPE: Final = '"str_split" should be: "str_split" : [ ",", "apples,pears", <index>]'

    @override
    def check(self, args: Any) -> None:
        if isinstance(args, str | dict):
            raise TypeError(f"Incorrect arguments to {self.SHAPE}")

    @override
    def check_values(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) < 2:
            raise ValueError(f"Incorrect arguments to {self.SHAPE}")
        delimiter, text, *index = args
        if text is None:
            return
        check_split("str_split", delimiter, text)
        if index and not isinstance(index[0], Unknown):
            self._position(index[0])

    def _position(self, index: Any) -> int:
        try:
            return int(index)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"Incorrect index to {self.SHAPE}") from None

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        delimiter, text, *index = args
        if text is None:
            return None
        parts = split_text(delimiter, text, run)
        if not index:
            return parts
        position = self._position(index[0])
        if not -len(parts) <= position < len(parts):
            raise ValueError(f'Incorrect index to "str_split" should be between 0 and {len(parts) - 1}')
        return parts[position]


def check_split(name: str, delimiter: Any, text: Any) -> None:
    """Refuse what cannot be split, and what cannot be a delimiter."""
    if not isinstance(text, str | Unknown):
        raise TypeError(f'The text to split in "{name}" must be a string, not {type(text).__name__}')
    if delimiter is not None and (not isinstance(delimiter, str | Unknown) or not delimiter):
        raise ValueError(f'The delimiter in "{name}" must be a string that is not empty')


def split_text(delimiter: str | None, text: str, run: Resolver) -> list[str]:
    """The parts of a text between delimiters, or between blanks without one."""
    most = len(text) if delimiter is None else text.count(delimiter)
    run.charge(nodes=most + 1, text=len(text))
    return text.split(delimiter)


class Digest(Function):
    """The hexadecimal digest of a text."""

    usage = "{digest: [algorithm, text]}"

    @override
    def check_values(self, args: Any) -> None:
        if not isinstance(args, list) or not all(isinstance(item, str | Unknown) for item in args):
            raise TypeError('Argument to function "digest" must be a list of strings')
        if len(args) != 2:
            raise ValueError('Function "digest" usage: ["<algorithm>", "<value>"]')
        algorithm, _ = args
        if isinstance(algorithm, str) and algorithm.lower() not in ALGORITHMS:
            raise ValueError(f"Algorithm must be one of {', '.join(sorted(ALGORITHMS))}")

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        algorithm, text = args
        return hashlib.new(algorithm.lower(), text.encode("latin-1"), usedforsecurity=False).hexdigest()


class MakeUrl(Function):
    """A URL made of its parts, each quoted as its place demands."""

    usage = "{make_url: {scheme: http, host: name, port: 80, path: /p, query: {key: value}, fragment: f}}"

    PARTS = ("scheme", "username", "password", "host", "port", "path", "query", "fragment")

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, dict):
            raise TypeError('The arguments to "make_url" must be a map')

    @override
    def validate(self, args: Any) -> None:
        for part in args:
            if part not in self.PARTS:
                raise ValueError(f'Invalid arguments to "make_url": {part}')
        self._check_parts(
            {part: value for part, value in args.items() if not isinstance(value, Call | Unknown)}
        )

    @override
    def check_values(self, args: Any) -> None:
        self.validate(args)
        scheme = args.get("scheme", "")
        if isinstance(scheme, str) and ":" in scheme:
            raise ValueError("URL \"scheme\" should not contain ':'")

    def _check_parts(self, args: dict[str, Any]) -> None:
        for part, value in args.items():
            if part not in ("port", "query") and not isinstance(value, str):
                raise TypeError(f'The "{part}" argument to "make_url" must be a string')
        if not isinstance(args.get("query", {}), dict):
            raise TypeError('The "query" argument to "make_url" must be a map')
        if "port" in args:
            self._port(args["port"])

    @staticmethod
    def _port(port: Any) -> int:
        if not isinstance(port, str | int) or isinstance(port, bool):
            raise TypeError(f'"port" must be an integer, not {port!r}')
        try:
            number = int(port)
        except ValueError:
            raise ValueError(f'Invalid URL port "{str(port)[:80]}"') from None
        if not 1 <= number <= 65535:
            raise ValueError(f"Invalid URL port {number}, must be in range 1-65535")
        return number

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        run.charge(text=3 * len(str(args)))
        scheme = args.get("scheme", "")
        query = urlencode(args["query"]).replace("%2F", "/") if args.get("query") else ""
        fragment = quote(str(args["fragment"])) if args.get("fragment") else ""
        return (
            (f"{scheme}:" if scheme else "")
            + self._authority(args)
            + self._path(args)
            + (f"?{query}" if query else "")
            + (f"#{fragment}" if fragment else "")
        )

    def _authority(self, args: dict[str, Any]) -> str:
        host = args.get("host", "")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        host = quote(host, safe=":")
        if ":" in host:
            host = f"[{host}]"
        user = quote(args.get("username", ""), safe="")
        if "password" in args:
            user += ":" + quote(args["password"], safe="")
        if user:
            user += "@"
        port = f":{self._port(args['port'])}" if "port" in args else ""
        authority = user + host + port
        return f"//{authority}" if authority or args.get("scheme") else ""

    @staticmethod
    def _path(args: dict[str, Any]) -> str:
        path = quote(args.get("path", ""))
        is_absolute = args.get("host") or args.get("scheme")
        return f"/{path}" if path and is_absolute and not path.startswith("/") else path
