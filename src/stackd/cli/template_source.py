"""A template of this machine with its environments and files, read the way the server would get them.

The server is sent texts in which references to files are rewritten. Findings about them are shown in terms
of the files on the disk: `Texts` converts the places.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stackd.cli.definition import pair
from stackd.cli.packing import Package, growth, pack, references_in, short_path, url_of
from stackd.cli.settings import load_settings
from stackd.engine.definition.desired import Source
from stackd.engine.usecases.requests import StackRequest, definition_of
from stackd.errors import Place
from stackd.resources.registry import Registry, load_registry
from stackd.settings import Limits, Settings


@dataclass(frozen=True, slots=True)
class Given:
    """A template as the command line names it."""

    file: str
    environments: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    config_file: str | None = None

    def pack(self) -> Package:
        """The texts of the template and all that it refers to; raises Failure."""
        return pack(self.file, self.environments)

    def values(self) -> dict[str, str]:
        """The parameters by name."""
        return dict(pair(text, "--parameter") for text in self.parameters)

    def settings(self) -> Settings:
        """The settings whose plug-ins and limits apply."""
        return load_settings(self.config_file)


def load(given: Given, package: Package, limits: Limits) -> Source:
    """The template and its environment, read as the API reads a request; raises StackdError."""
    request = StackRequest(
        template=package.template,
        environment_files=package.environment_files,
        files=package.files,
        parameters=given.values(),
    )
    template, environment = definition_of(request, limits)
    return Source(template, environment, package.files)


def load_types(settings: Settings) -> Registry:
    """The resource types, with those of the configured plug-ins."""
    return load_registry([Path(each) for each in settings.plugins.directories])


@dataclass(frozen=True)
class Texts:
    """The texts of a package as they stand in their files, to show what a place points at."""

    root: str
    originals: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Given, package: Package) -> Texts:
        """Those of what a command was given."""
        return cls(given.file, package.originals, package.environment_files)

    def original(self, place: Place) -> Place:
        """The same place in the file on the disk, whose name is as short as it can be."""
        url = place.file or url_of(self.root)
        text = self.originals.get(url)
        file = self.root if not place.file else short_path(url)
        if text is None or not place.line:
            return Place(file, place.line, place.column)
        return Place(file, place.line, self._column(url, text, place))

    def shortened(self, text: str) -> str:
        """A text with the names of files in place of their URLs, which is what the engine calls them."""
        for url in self.originals:
            text = text.replace(url, short_path(url))
        return text

    def line(self, place: Place) -> str:
        """The line of text at a place as the engine gives it; empty when there is none."""
        lines = self.originals.get(place.file or url_of(self.root), "").splitlines()
        return lines[place.line - 1] if 0 < place.line <= len(lines) else ""

    def _column(self, url: str, text: str, place: Place) -> int:
        """The column before references that stand to the left of it were rewritten."""
        starts = [0]
        for line in text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        column = place.column
        for reference in references_in(text, url, environment=url in self.environments):
            if bisect.bisect_right(starts, reference.start) != place.line:
                continue
            at = reference.start - starts[place.line - 1] + 1
            if at >= column:
                break
            column -= growth(reference, url)
        return column
