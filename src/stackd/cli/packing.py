"""Making a request body of a template and the files it names.

The server cannot read the files of the person at the keyboard, so whatever a template or environment refers
to by name (`get_file`, nested templates, the resource registry) goes along in `files`, and the reference is
replaced by its key there, a URL. Templates travel as text, with only those references rewritten: line numbers
in the server's messages are those of the file.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from stackd.cli.failures import BAD_INPUT, UNREACHABLE, Failure
from stackd.errors import Place, StackdError, TemplateError

_TEMPLATE_ENDINGS = (".yaml", ".template")
_NOT_TYPES = frozenset({"hooks", "restricted_actions", "base_url"})
_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reference:
    """A scalar in a text that names a file: where it stands, and whether the file is a template itself."""

    start: int
    end: int
    target: str
    is_template: bool


class Unreadable(Failure):
    """A template, an environment or a file that one refers to cannot be read; says where, and by which path.

    It may be neither YAML nor JSON, or too deep.
    """

    def __init__(
        self,
        place: Place,
        problem: str,
        text: str,
        *,
        path: str = "",
        remedy: str = "",
        exit_code: int = BAD_INPUT,
    ) -> None:
        shown = replace(place, file=short_path(place.file))
        super().__init__(": ".join(map(str, filter(None, (shown, path, problem)))), exit_code, remedy)
        self.place = place
        self.problem = problem
        self.text = text
        self.path = path


@dataclass(frozen=True, slots=True)
class Package:
    """The part of a request body that comes from files.

    ``originals`` are the texts, by URL, of templates and environments as they stand in their files.
    """

    template: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    environment_files: tuple[str, ...] = ()
    originals: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The keys of the request body; absent ones are left out."""
        body: dict[str, Any] = {"files": self.files}
        if self.template is not None:
            body["template"] = self.template
        if self.environment_files:
            body["environment_files"] = list(self.environment_files)
        return body


def pack(template: str | None, environments: tuple[str, ...] = ()) -> Package:
    """Read a template and environments, given as paths, URLs or `-`, with everything they refer to.

    Raises Failure naming the file that cannot be read or parsed.
    """
    package = Package()
    text = None if template is None else _packed(url_of(template), template_references, package)
    keys = []
    for environment in environments:
        url = url_of(environment)
        package.files[url] = _packed(url, environment_references, package)
        keys.append(url)
    return replace(package, template=text, environment_files=tuple(keys))


def leave_references(template: str | None, environments: tuple[str, ...] = ()) -> Package:
    """Read only the template: all that it refers to, and the environments, the server finds by their names.

    Raises Failure naming the file that cannot be read or parsed.
    """
    if template is None:
        return Package(environment_files=environments)
    url = url_of(template)
    text = _read_template(url)
    _compose(text, url)
    return Package(text, {}, environments, {url: text})


def references_in(text: str, url: str, *, environment: bool = False) -> list[Reference]:
    """The scalars of a template or environment that name files, in the order of the text."""
    find = environment_references if environment else template_references
    return sorted(find(_compose(text, url)), key=lambda reference: reference.start)


def parameters_in(text: str, url: str) -> frozenset[str]:
    """The names of the parameters that an environment sets."""
    section = next((value for key, value in _mapping(_compose(text, url)) if key == "parameters"), None)
    return frozenset(name for name, _ in _mapping(section))


def growth(reference: Reference, url: str) -> int:
    """By how many characters a reference in the text at the URL gets longer when it is packed."""
    return len(json.dumps(_join(url, reference.target))) - (reference.end - reference.start)


def template_references(root: Any) -> Iterator[Reference]:
    """Every `get_file`, and every `type` that is a file, in the composed nodes of a template."""
    for key, value in _pairs(root, set()):
        if key == "get_file":
            yield _reference(value, is_template=False)
        elif key in ("type", "Type") and value.value.endswith(_TEMPLATE_ENDINGS):
            yield _reference(value, is_template=True)


def environment_references(root: Any) -> Iterator[Reference]:
    """Every type in the resource registry that is mapped to a file."""
    registry = next((value for key, value in _mapping(root) if key == "resource_registry"), None)
    if registry is None:
        return
    base = next((value.value for key, value in _mapping(registry) if key == "base_url"), "")
    for _, value in _pairs(registry, set(), skip=_NOT_TYPES):
        if "::" not in value.value and value.value:
            target = urljoin(base.rstrip("/") + "/", value.value) if base else value.value
            yield Reference(value.start_mark.index, value.end_mark.index, target, is_template=True)


def _packed(url: str, find: Callable[[Any], Iterator[Reference]], package: Package) -> str:
    """The text at the URL with its references turned into keys of the files, which gain what they name."""
    text = package.originals[url] = _read_template(url)
    root = _compose(text, url)
    files = package.files
    pieces = []
    last = 0
    for reference in sorted(find(root), key=lambda reference: reference.start):
        key = _join(url, reference.target)
        if key not in files:
            files[key] = ""  # seen: a template that refers to itself ends here, and the server refuses it
            try:
                files[key] = (
                    _packed(key, template_references, package) if reference.is_template else _read(key)
                )
            except Unreadable:
                raise
            except Failure as failure:
                raise _asked_for(failure, reference, root, text, url) from failure
        pieces += [text[last : reference.start], json.dumps(key)]
        last = reference.end
    return "".join([*pieces, text[last:]])


def _asked_for(failure: Failure, reference: Reference, root: Any, text: str, url: str) -> Unreadable:
    """The failure to read a file, with the place in the text at the URL that refers to it."""
    before = text[: reference.start]
    place = Place(shown_url(url), before.count("\n") + 1, reference.start - before.rfind("\n"))
    return Unreadable(
        place,
        failure.message,
        text,
        path=_path_to(root, reference.start),
        remedy=failure.remedy,
        exit_code=failure.exit_code,
    )


def _path_to(node: Any, index: int) -> str:
    """The dotted path of the scalar that begins at the index, in a tree of composed nodes."""
    path = ""
    while (inner := _child_at(node, index)) is not None:
        key, node = inner
        path += f"[{key}]" if isinstance(key, int) else f".{key}"
    return path.lstrip(".")


def _child_at(node: Any, index: int) -> tuple[str | int, Any] | None:
    """The key and value below a node in whose text the index is."""
    entries: Iterable[tuple[Any, Any]] = ()
    if node.id == "mapping":
        entries = ((key.value, value) for key, value in node.value)
    elif node.id == "sequence":
        entries = enumerate(node.value)
    marked = ((key, value, value.start_mark.index, value.end_mark.index) for key, value in entries)
    return next(((key, value) for key, value, start, end in marked if start <= index < end), None)


def _compose(text: str, url: str) -> Any:
    """The nodes of a text, after stackd's own reader has found it neither too deep nor too large."""
    import yaml

    from stackd.template.limits import Limits
    from stackd.template.parse import parse_text

    file = shown_url(url)
    try:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass
        parse_text(text, Limits(max_bytes=_MAX_BYTES), file)
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_place(error, text, file), f"not valid YAML: {error.problem}", text) from error
    except yaml.YAMLError as error:
        raise Unreadable(Place(file), f"not valid YAML: {error}", text) from error
    except StackdError as error:
        place = error.place if isinstance(error, TemplateError) else Place(file)
        raise Unreadable(place, error.message, text) from error


def _place(error: Any, text: str, file: str) -> Place:
    """Where a YAML error is; one at the end of the text is behind the last line's last character."""
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    if mark is None or not lines:
        return Place(file)
    if mark.line >= len(lines):
        return Place(file, len(lines), len(lines[-1]) + 1)
    return Place(file, mark.line + 1, mark.column + 1)


def _mapping(node: Any) -> Iterator[tuple[str, Any]]:
    """The entries of a mapping node whose keys are scalars."""
    if getattr(node, "id", "") == "mapping":
        for key, value in node.value:
            if key.id == "scalar":
                yield key.value, value


def _pairs(node: Any, seen: set[int], skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Every key with a scalar value at any depth; what an alias repeats is visited once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    for key, value in _mapping(node):
        if key in skip:
            continue
        if value.id != "scalar":
            yield from _pairs(value, seen, skip)
        elif id(value) not in seen:
            seen.add(id(value))
            yield key, value
    if getattr(node, "id", "") == "sequence":
        for item in node.value:
            yield from _pairs(item, seen, skip)


def _reference(node: Any, *, is_template: bool) -> Reference:
    return Reference(node.start_mark.index, node.end_mark.index, node.value, is_template)


def url_of(path: str) -> str:
    """A file's URL; URLs and `-` stay."""
    if path == "-" or urlsplit(path).scheme in ("http", "https", "file"):
        return path
    return Path(path).expanduser().absolute().as_uri()


def _join(base: str, target: str) -> str:
    """The URL of a file that is named relative to the file at `base`.

    What came over the network may not pull in files of this machine.
    """
    if base.startswith("http") and target.startswith("file:"):
        raise Failure(f"{base} refers to {target}, a file of this machine; this is refused.", BAD_INPUT)
    if urlsplit(target).scheme in ("http", "https", "file"):
        return target
    if target.startswith("/") and not base.startswith("http"):
        return Path(target).as_uri()
    if base == "-":
        return url_of(target)
    if base.startswith("file:"):
        return Path(unquote(urlsplit(base).path)).parent.joinpath(target).resolve().as_uri()
    return urljoin(base, target)


def shown_url(url: str) -> str:
    """A URL as people write it: a file of this machine by its path."""
    return unquote(urlsplit(url).path) if url.startswith("file:") else url


def short_path(file: str) -> str:
    """A file of this machine, given by path or URL, relative to the working directory if it is below."""
    path = shown_url(file)
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def decoded(content: bytes, file: str) -> str:
    """The text of a template or environment; raises Failure for what is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = f"Save it as UTF-8; the first byte that is not is in line {line}."
        raise Failure(f"{file} is not UTF-8 text.", BAD_INPUT, remedy) from error


def _read_template(url: str) -> str:
    """The text of the template or environment at the URL; raises Failure."""
    return decoded(_bytes(url), "The input" if url == "-" else short_path(url))


def _read(url: str) -> str:
    """What is at the URL as the value of a parameter or property: base64 when it is not text."""
    content = _bytes(url)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()


def _bytes(url: str) -> bytes:
    """What is at the URL; raises Failure if it cannot be read or is too large."""
    content = _fetched(url)
    if len(content) > _MAX_BYTES:
        raise Failure(f"{shown_url(url)} is larger than {_MAX_BYTES // 1024 // 1024} MiB.", BAD_INPUT)
    return content


def _fetched(url: str) -> bytes:
    if url == "-":
        return sys.stdin.buffer.read()
    if url.startswith("file:"):
        try:
            return Path(unquote(urlsplit(url).path)).read_bytes()
        except OSError as error:
            raise Failure(f"{shown_url(url)} cannot be read: {error.strerror}.", BAD_INPUT) from error
    import httpx

    try:
        answer = httpx.get(url, follow_redirects=True, timeout=60)
        return answer.raise_for_status().content
    except httpx.HTTPError as error:
        raise Failure(f"{url} cannot be fetched: {error}", UNREACHABLE) from error
