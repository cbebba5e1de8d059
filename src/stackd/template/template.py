"""A template as records: version, parameters, conditions, resources and outputs, with functions as nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stackd.errors import InvalidTemplateSection, InvalidTemplateVersion, Place, TemplateError
from stackd.template.definitions import DefinitionReader, OutputDefinition, ResourceDefinition
from stackd.template.functions.base import PathPart, TemplatePath, dotted
from stackd.template.groups import INTERFACE, check_groups, interface_groups, labelled
from stackd.template.guard import depth_guarded
from stackd.template.limits import Limits, check_data
from stackd.template.parse import ParsedDocument, ParseWarning, parse_text, plain
from stackd.template.problems import Problems, Stage, nearest, raise_all
from stackd.template.schemas import ParameterSchema, read_schemas
from stackd.template.versions import AWS_KEY, AWS_VERSION, VERSION_KEYS, Version, find_version
from stackd.wording import Word

__all__ = ["OutputDefinition", "ResourceDefinition", "Template", "load_template", "read_template"]

NO_DESCRIPTION: Final = "No description"
_CFN_RESOURCES: Final = "Resources must contain Resource"


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A template, read and checked as far as that is possible without parameters.

    ``data`` is the template as it was given: treat it as read-only. ``mistakes`` are those of the parts that
    could not be read; there are none in what `load_template` returns.
    """

    version: Version
    description: str
    parameter_schemas: Mapping[str, ParameterSchema]
    parameter_groups: list[Any]
    resources: Mapping[str, ResourceDefinition]
    outputs: Mapping[str, OutputDefinition]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    data: Mapping[str, Any] = field(repr=False)
    document: ParsedDocument = field(repr=False)
    limits: Limits = field(default=Limits(), repr=False)
    mistakes: Problems = field(default_factory=Problems, repr=False)

    def require(self) -> None:
        """Raise the mistakes, if any, as a group led by the first."""
        raise_all(self.mistakes.ordered())

    @property
    def warnings(self) -> tuple[ParseWarning, ...]:
        """Warnings: what is allowed in the text but probably not intended."""
        return self.document.warnings

    def place(self, path: tuple[PathPart, ...], *, key: bool = False) -> Place:
        """Where ``path``, or the last key of it, stands in the text."""
        return self.document.place(path, key=key)

    def value(self, path: tuple[PathPart, ...]) -> Any:
        """What stands at ``path``, as far as it can be shown."""
        return self.document.value(path)

    def parameter_place(self, name: str) -> Place:
        """Where a parameter is declared."""
        return self.place((self.version.sections["parameters"], name))


def load_template(
    source: str | bytes | Mapping[str, Any] | ParsedDocument, *, limits: Limits | None = None, file: str = ""
) -> Template:
    """Read a template; raises TemplateError, or RequestLimitExceeded when it is too large."""
    template = read_template(source, limits=limits, file=file)
    template.require()
    return template


@depth_guarded
def read_template(
    source: str | bytes | Mapping[str, Any] | ParsedDocument,
    *,
    limits: Limits | None = None,
    file: str = "",
    default_version: bool = False,
) -> Template:
    """Read as much of a template as can be read; it keeps the ``mistakes`` in the rest.

    With ``default_version`` a template that declares no version is one of AWS's.
    Raises TemplateError for what is not a template at all, RequestLimitExceeded when it is too large.
    """
    limits = limits or Limits()
    document = _document(source, limits, file, versionless_tags=default_version)
    data = document.data
    if not isinstance(data, dict):
        raise TemplateError(
            "The template is not a JSON object or YAML mapping.",
            place=document.place(()),
            remedy="Write the template as a mapping with heat_template_version first.",
        )
    if default_version and data.keys().isdisjoint(VERSION_KEYS):
        data = {AWS_KEY: AWS_VERSION, **data}
        document = replace(document, data=data)
    if document.text and not any(key in data for key in VERSION_KEYS):
        raise TemplateError(
            "Template format version not found.",
            place=document.place(()),
            remedy="Start the template with heat_template_version: …",
        )
    try:
        version = find_version(data)
    except InvalidTemplateVersion as error:
        at = (error.path,) if error.path else ()
        value = document.value(at) if at else None
        raise error.but(place=document.place(at), value=value) from None
    return _Loader(version, document, limits).load()


def _document(source: Any, limits: Limits, file: str, *, versionless_tags: bool) -> ParsedDocument:
    if isinstance(source, ParsedDocument):
        return source
    if isinstance(source, str | bytes):
        return parse_text(source, limits, file, versionless_tags=versionless_tags)
    data = source if type(source) is dict else plain(source)
    check_data(data, limits)
    return ParsedDocument(data, file)


class _Loader:
    """Reads the sections of one template in the order in which mistakes are reported."""

    def __init__(self, version: Version, document: ParsedDocument, limits: Limits) -> None:
        self.version = version
        self.document = document
        self.limits = limits
        self.data: dict[str, Any] = document.data
        self.problems = Problems()

    def load(self) -> Template:
        """The template, as far as it can be read."""
        self._check_sections()
        resources = self._map_section("resources")
        self._check_resource_types(resources)
        schemas = read_schemas(
            self._section("parameters"), self.version, self.document, self.problems.at(Stage.PARAMETERS)
        )
        groups = check_groups(
            self._section("parameter_groups"), schemas, self.document, self.problems.at(Stage.GROUPS)
        )
        interface = self._map_section("metadata").get(INTERFACE)
        if isinstance(interface, dict):
            groups = interface_groups(interface, schemas)
            schemas = labelled(interface, schemas)
        reader = DefinitionReader(self.version, self.document, self.problems)
        conditions = {name: reader.condition(name, body) for name, body in self._conditions().items()}
        return Template(
            self.version,
            str(self._section("description") or NO_DESCRIPTION),
            schemas,
            groups,
            {name: reader.resource(name, body) for name, body in resources.items()},
            {name: reader.output(name, body) for name, body in self._map_section("outputs").items()},
            conditions,
            self._map_section("mappings"),
            self.data,
            self.document,
            self.limits,
            self.problems,
        )

    def _wrong(
        self,
        message: str,
        path: TemplatePath,
        remedy: str,
        stage: Stage = Stage.STRUCTURE,
        kind: type[TemplateError] = TemplateError,
        *,
        key: bool = False,
        lead: tuple[Word, ...] = (),
    ) -> None:
        place = self.document.place(path, key=key)
        value = self.document.value(path, key=key)
        error = kind(message, lead=lead, path=dotted(path), place=place, remedy=remedy, value=value)
        self.problems.add(stage, "", error)

    def _section(self, name: str) -> Any:
        written = self.version.sections.get(name)
        return None if written is None else self.data.get(written)

    def _map_section(self, name: str) -> dict[str, Any]:
        section = self._section(name)
        if section is None:
            return {}
        if not isinstance(section, dict):
            written = self.version.sections[name]
            self._wrong(
                f'"{written}" must contain a map of {name}. Found a [{type(section)}] instead',
                (written,),
                "Write the section as a map.",
            )
            return {}
        return section

    def _check_sections(self) -> None:
        known = set(self.version.sections.values())
        refused = self.version.refused_sections
        for section in self.data:
            if section not in known:
                remedy = refused.get(section) or nearest(section, known)
                self._wrong(
                    f"The template section is invalid: {section}",
                    (section,),
                    remedy or f"Use only {', '.join(sorted(known))}.",
                    kind=InvalidTemplateSection,
                    key=True,
                )

    def _check_resource_types(self, resources: Mapping[str, Any]) -> None:
        """Every resource must at least be a map with a type."""
        section = self.version.sections["resources"]
        key = self.version.resource_keys["type"]
        for name, body in resources.items():
            path = (section, name)
            if body and not isinstance(body, dict):
                hot = self.version.dialect == "hot"
                wanted = f'"{section}" must contain a map of resource maps' if hot else _CFN_RESOURCES
                self._wrong(
                    f"{wanted}. Found a [{type(body)}] instead",
                    path,
                    f"Write {name} as a map with the key {key}.",
                )
            elif not body or body.get(key) is None:
                noun = "resource" if self.version.dialect == "hot" else "Resource"
                message = f"Each {noun} must contain a {key} key."
                self._wrong(message, path, f"Give {name} a {key}.", key=True)
            if "/" in name:
                message = f'Resource name may not contain "/": {name}'
                self._wrong(message, path, "Choose another name.", key=True)

    def _conditions(self) -> dict[str, Any]:
        section = self.version.sections.get("conditions")
        if section is None or section not in self.data:
            return {}
        definitions = self.data[section]
        if not isinstance(definitions, dict):
            self._wrong(
                f"Condition definitions must be a map. Found a {type(definitions).__name__} instead",
                (section,),
                "Write the section as a map, or remove it.",
                Stage.CONDITIONS,
                lead=("Conditions validation error",),
            )
            return {}
        return definitions
