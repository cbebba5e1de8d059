"""A template as records: version, parameters, conditions, resources and outputs, with functions as nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stackd.errors import InvalidTemplateSection, InvalidTemplateVersion, Place, TemplateError
from stackd.template.definitions import DefinitionReader, OutputDefinition, ResourceDefinition
from stackd.template.functions.base import PathPart, TemplatePath, dotted
from stackd.template.groups import check_groups
from stackd.template.guard import depth_guarded
from stackd.template.parse import Limits, ParsedDocument, ParseWarning, check_data, parse_text, plain
from stackd.template.schemas import ParameterSchema, read_schemas
from stackd.template.versions import VERSION_KEYS, Version, find_version

__all__ = ["OutputDefinition", "ResourceDefinition", "Template", "load_template"]

NO_DESCRIPTION: Final = "No description"


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A template, read and checked as far as that is possible without parameters.

    ``data`` is the template as it was given: treat it as read-only.
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

    @property
    def warnings(self) -> tuple[ParseWarning, ...]:
        """What is allowed in the text but probably not meant."""
        return self.document.warnings

    def place(self, path: tuple[PathPart, ...]) -> Place:
        """Where ``path`` stands in the text."""
        return self.document.place(path)

    def parameter_place(self, name: str) -> Place:
        """Where a parameter is declared."""
        return self.place((self.version.sections["parameters"], name))


@depth_guarded
def load_template(
    source: str | bytes | Mapping[str, Any] | ParsedDocument, *, limits: Limits | None = None, file: str = ""
) -> Template:
    """Read a template; raises TemplateError, or RequestLimitExceeded when it is too large."""
    limits = limits or Limits()
    document = _document(source, limits, file)
    data = document.data
    if not isinstance(data, dict):
        raise TemplateError(
            "The template is not a JSON object or YAML mapping.",
            place=document.place(()),
            remedy="Write the template as a mapping with heat_template_version first.",
        )
    if document.text and not any(key in data for key in VERSION_KEYS):
        raise InvalidTemplateVersion(
            "Template format version not found.",
            place=document.place(()),
            remedy="Start the template with heat_template_version: …",
        )
    return _Loader(find_version(data), document, limits).load()


def _document(source: Any, limits: Limits, file: str) -> ParsedDocument:
    if isinstance(source, ParsedDocument):
        return source
    if isinstance(source, str | bytes):
        return parse_text(source, limits, file)
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

    def load(self) -> Template:
        """The template; raises the first mistake."""
        self._check_sections()
        self._check_resource_types()
        schemas = read_schemas(self._section("parameters"), self.version, self.document)
        groups = check_groups(self._section("parameter_groups"), schemas, self.document)
        reader = DefinitionReader(self.version, self.document)
        conditions = {name: reader.condition(name, body) for name, body in self._conditions().items()}
        resources = self._map_section("resources").items()
        outputs = self._map_section("outputs").items()
        return Template(
            self.version,
            str(self._section("description") or NO_DESCRIPTION),
            schemas,
            groups,
            {name: reader.resource(name, body) for name, body in resources},
            {name: reader.output(name, body) for name, body in outputs},
            conditions,
            self._map_section("mappings"),
            self.data,
            self.document,
            self.limits,
        )

    def _fail(self, message: str, path: TemplatePath, remedy: str = "") -> TemplateError:
        return TemplateError(message, path=dotted(path), place=self.document.place(path), remedy=remedy)

    def _section(self, name: str) -> Any:
        return self.data.get(self.version.sections.get(name, ""))

    def _map_section(self, name: str) -> dict[str, Any]:
        section = self._section(name)
        if section is None:
            return {}
        if not isinstance(section, dict):
            written = self.version.sections[name]
            raise self._fail(
                f'"{written}" must contain a map of {name}. Found a [{type(section)}] instead',
                (written,),
                "Write the section as a map.",
            )
        return section

    def _check_sections(self) -> None:
        known = set(self.version.sections.values())
        for section in self.data:
            if section not in known:
                raise InvalidTemplateSection(
                    f"The template section is invalid: {section}",
                    path=section,
                    place=self.document.place((section,)),
                    remedy=f"Use only {', '.join(sorted(known))}.",
                )

    def _check_resource_types(self) -> None:
        """Every resource must at least be a map with a type."""
        section = self.version.sections["resources"]
        key = self.version.resource_keys["type"]
        for name, body in self._map_section("resources").items():
            path = (section, name)
            if body and not isinstance(body, dict):
                raise self._fail(
                    f'"{section}" must contain a map of resource maps. Found a [{type(body)}] instead',
                    path,
                    f"Write {name} as a map with the key {key}.",
                )
            if not body or body.get(key) is None:
                noun = "resource" if self.version.dialect == "hot" else "Resource"
                raise self._fail(f"Each {noun} must contain a {key} key.", path, f"Give {name} a {key}.")
            if "/" in name:
                raise self._fail(f'Resource name may not contain "/": {name}', path, "Choose another name.")

    def _conditions(self) -> dict[str, Any]:
        section = self.version.sections.get("conditions", "")
        if section not in self.data:
            return {}
        definitions = self.data[section]
        if not isinstance(definitions, dict):
            raise self._fail(
                "Condition validation error: Condition definitions must be a map. "
                f"Found a {type(definitions).__name__} instead",
                (section,),
                "Write the section as a map, or remove it.",
            )
        return definitions
