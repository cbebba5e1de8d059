"""The operator's policy files: which there are, and whether they changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class PolicyFileError(ValueError):
    """A policy file cannot be read, or has a check that stackd does not run."""


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
