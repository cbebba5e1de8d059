"""The operator's policy files: which there are, whether they changed, and what is in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class PolicyFileError(ValueError):
    """A policy file cannot be read, or has a check that stackd does not run; the message has the remedy."""


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """A policy file, and a folder of several that are laid over it in alphabetical order."""

    path: Path | None = None
    folder: Path | None = None

    @classmethod
    def of(cls, path: Path | str | None, folder: Path | str | None) -> PolicyFiles:
        """The files at these places, which may be relative."""
        return cls(Path(path).absolute() if path else None, Path(folder).absolute() if folder else None)

    def __bool__(self) -> bool:
        return bool(self.path or self.folder)

    def stamp(self) -> tuple[object, ...]:
        """Changes whenever one of the files does."""
        return tuple(
            (str(file), found.st_mtime_ns, found.st_size)
            for file in self._all()
            if (found := _stat(file)) is not None
        )

    def rules(self) -> Iterator[tuple[Path, str, Any]]:
        """Every rule in the files: where it is, its name and its unchecked value.

        Raises ``PolicyFileError`` for a file that is missing, or is no mapping.
        """
        if self.path and not self.path.is_file():
            raise PolicyFileError(f"There is no policy file {self.path}. Make it, or correct the setting.")
        for file in self._all():
            for name, value in _mapping(file).items():
                if not isinstance(name, str):
                    raise PolicyFileError(f"{file}: the name of a rule is {name!r}. Put it in quotes.")
                yield file, name, value

    def _all(self) -> Iterator[Path]:
        if self.path:
            yield self.path
        if self.folder and self.folder.is_dir():
            yield from sorted(file for file in self.folder.iterdir() if not file.name.startswith("."))


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


def _mapping(file: Path) -> dict[Any, Any]:
    try:
        found = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise PolicyFileError(
            f"{file}: the policy file cannot be read: {error.strerror}. Let stackd's user read it."
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise PolicyFileError(
            f"{file}{line}: the policy file is not valid YAML: {error.problem}. Correct it there."
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyFileError(
            f"{file}: the policy file is not valid YAML: {error}. Write it as text in UTF-8."
        ) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        kind = "a list" if isinstance(found, list) else repr(found)
        raise PolicyFileError(
            f"{file}: the policy file is {kind}, not a mapping. "
            'Write one rule a line, such as "stacks:delete": "role:admin".'
        )
    return found
