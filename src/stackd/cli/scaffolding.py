"""`stackd types scaffold`: a new resource type and its test, to begin with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

import click

from stackd.cli.failures import BAD_INPUT, Failure

_TEXTS: Final = Path(__file__).with_name("scaffold")
_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]*(?:::[A-Z][A-Za-z0-9]*){2,}")
_WORD_ENDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@click.command()
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to write it, for instance one of `plugins.directories`; here when absent.",
)
@click.option("--service", help="The type of the service in the catalog; the middle of the name when absent.")
def scaffold(name: str, directory: Path, service: str | None) -> None:
    """Write a new resource type and its test.

    NAME has three parts at least, as Example::Dns::Record. The type is one class, whose object is one entity
    of a REST API; what is made up in it is to be replaced by what the service has. The test runs with pytest.
    """
    if not _NAME.fullmatch(name):
        raise Failure(
            f"{name} is not the name of a resource type.",
            BAD_INPUT,
            "Give three parts of letters and digits that begin with capitals, as Example::Dns::Record.",
        )
    files = scaffolded(name, service)
    taken = [str(directory / path) for path in files if (directory / path).exists()]
    if taken:
        remedy = "Choose another --directory."
        raise Failure(f"{' and '.join(taken)} would be overwritten.", BAD_INPUT, remedy)
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        click.echo(target)


def scaffolded(name: str, service: str | None = None) -> Mapping[Path, str]:
    """The files for a type of this name: the type, and its test where no server looks for types."""
    words = words_of(name, service)
    module = f"{words['module']}.py"
    paths = {"type.txt": Path(module), "test.txt": Path("tests", f"test_{module}")}
    return {path: Template((_TEXTS / source).read_text()).substitute(words) for source, path in paths.items()}


def words_of(name: str, service: str | None = None) -> dict[str, str]:
    """What the parts of a name are called in code and in requests."""
    *_, middle, kind = name.split("::")
    key = _snake(kind)
    plural = _plural(key)
    return {
        "name": name,
        "kind": kind,
        "module": f"{_snake(middle)}_{key}",
        "service": service or middle.lower(),
        "key": key,
        "plural": plural,
        "path": plural,
    }


def _snake(word: str) -> str:
    return _WORD_ENDS.sub("_", word).lower()


def _plural(word: str) -> str:
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(s|x|ch|sh)$", word) else f"{word}s"
