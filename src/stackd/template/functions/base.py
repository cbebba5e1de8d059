"""The base class of template functions, and the interfaces that they use.

Functions report a bad argument with TypeError, ValueError or a LookupError and a plain message. The evaluator
turns those into `TemplateError` with path, place and remedy: no function needs to know where it stands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final, Protocol

from stackd.errors import Place, TemplateError
from stackd.wording import HERE, Complaint, Reason

PathPart = str | int
TemplatePath = tuple[PathPart, ...]


class Refused(ValueError):
    """An invalid argument, with its reason as data."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(str(complaint))
        self.complaint = complaint


_LONGEST_NAME: Final = 180
ARGUMENT_ERRORS: Final = (TypeError, ValueError, LookupError, ArithmeticError)


class Omitted(Enum):
    """The result of a two-argument ``if`` that is false: the key or element around it is dropped."""

    OMITTED = "omitted"


OMITTED: Final = Omitted.OMITTED


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a resource: its reference id (``attribute`` None), or an attribute and a path inside it.

    ``path`` ends before the first element that is not known yet. All attributes at once are attribute "*".
    """

    resource: str
    attribute: str | None = None
    path: tuple[Any, ...] = ()
    where: TemplatePath = ()


@dataclass(frozen=True, slots=True)
class Import:
    """A use of a value that another stack exports; the name may contain `Unknown`."""

    name: Any
    where: TemplatePath = ()


Use = Reference | Import


class Resolver(Protocol):
    """The context in which a function is evaluated (implemented by `evaluation.Evaluation`)."""

    def resolve(self, node: Any) -> Any:
        """The value of a parsed node; unknown parts stay `Unknown`."""

    def charge(self, nodes: int = 0, text: int = 0, work: int = 0) -> None:
        """Count the size of a result before it is built; raises TemplateError above the limit."""

    def parameter(self, name: str) -> Any:
        """A parameter's value; raises UserParameterMissing."""

    def is_parameter(self, name: str) -> bool:
        """Whether the template has this parameter, pseudo-parameters included."""

    def is_resource(self, name: str) -> bool:
        """Whether the template has this resource and its condition holds."""

    def reference(self, resource: str) -> Any:
        """A resource's reference id."""

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """A resource's attribute."""

    def all_attributes(self, resource: str) -> Any:
        """All attributes of a resource."""

    def facade(self, key: str) -> Any:
        """Something of the resource that contains this stack."""

    def file(self, key: str) -> str:
        """The content of a file that came with the template; raises ValueError."""

    def condition(self, condition: Any) -> Any:
        """The truth of a named, literal or inline condition: a bool, or Unknown."""

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An entry of the CloudFormation Mappings section; raises KeyError."""

    def availability_zones(self) -> list[str]:
        """Names of the compute availability zones."""

    def imported(self, name: str) -> Any:
        """A value that another stack exports; raises ValueError when none does."""


class Function(ABC):
    """One function of the template language: argument check, dependencies and evaluation.

    The first line of the docstring is what the API shows as its description, ``usage`` what an error
    recommends. With ``raw_arguments`` the function resolves its arguments itself; with ``takes_unknown`` it
    copes with `Unknown` inside them, otherwise its result is then unknown. Arguments that are `Unknown` as a
    whole never reach it.
    """

    usage: ClassVar[str] = ""
    raw_arguments: ClassVar[bool] = False
    takes_unknown: ClassVar[bool] = False

    @property
    def summary(self) -> str:
        """One line for the list of functions."""
        return (type(self).__doc__ or "").strip().split("\n")[0]

    def parse(self, raw: Any, parser: Parser, path: TemplatePath) -> Any:
        """The parsed arguments; only macros choose for themselves what to parse."""
        return parser.parse(raw, path)

    def check(self, args: Any) -> None:
        """Refuse arguments whose shape is wrong; functions inside them are not resolved yet."""
        return

    def validate(self, args: Any) -> None:
        """Refuse what is legal to load but not to run."""
        return

    def check_values(self, args: Any) -> None:
        """Refuse resolved arguments before anything is made of them.

        Parts that are not known yet are `Unknown` and pass: a mistake is found beside them at once.
        """
        return

    def references(self, args: Any, walk: Walk) -> Iterator[Use]:
        """The resources and exports that are used."""
        yield from walk.inside(args)

    @abstractmethod
    def evaluate(self, args: Any, run: Resolver) -> Any:
        """The value; ``args`` are resolved and passed ``check_values`` unless ``raw_arguments``."""


class Parser(Protocol):
    """Turns raw template data into nodes (implemented by `stackd.template.nodes.NodeParser`)."""

    def parse(self, raw: Any, path: TemplatePath) -> Any:
        """Data with every function inside it as a `Call`."""

    def parse_condition(self, raw: Any, path: TemplatePath) -> Any:
        """The same in the language of conditions."""

    def reporting(self, report: Callable[[TemplateError], None]) -> Parser:
        """The same parser that hands mistakes to ``report``."""


class Walk(Protocol):
    """Collects uses (implemented by `stackd.template.graph`)."""

    path: TemplatePath

    def inside(self, node: Any) -> Iterator[Use]:
        """The uses anywhere inside a node."""

    def value(self, node: Any) -> Any:
        """The value of a node as far as parameters alone determine it, else Unknown."""

    def condition(self, condition: Any) -> Any:
        """The truth of a condition: a bool, or Unknown."""

    def is_resource(self, name: str) -> bool:
        """Whether the template has this resource and its condition holds."""

    def is_parameter(self, name: str) -> bool:
        """Whether the template has this parameter, pseudo-parameters included."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function with its parsed arguments; ``path`` is where it stands."""

    name: str
    function: Function
    args: Any
    path: TemplatePath

    def __repr__(self) -> str:
        return f"Call({{{self.name}: {self.args!r}}})"


class Lazy:
    """A part of the template that is parsed when it is chosen; ``problems`` is what was wrong with it."""

    __slots__ = ("_node", "_parser", "path", "problems", "raw")

    def __init__(self, raw: Any, path: TemplatePath, parser: Parser) -> None:
        self.raw = raw
        self.path = path
        self.problems: list[TemplateError] = []
        self._parser = parser
        self._node: Any = self

    @property
    def node(self) -> Any:
        """The parsed part; raises the first of its problems."""
        node = self.readable
        if self.problems:
            raise self.problems[0]
        return node

    @property
    def readable(self) -> Any:
        """The parsed part as far as it can be read."""
        if self._node is self:
            self._node = self._parser.reporting(self.problems.append).parse(self.raw, self.path)
        return self._node


def dotted(path: TemplatePath) -> str:
    """A path the way messages write it: ``resources.web.properties.networks[0].port``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def call_error(
    name: str, function: Function, path: TemplatePath, error: Exception, place: Place
) -> TemplateError:
    """The error for an argument that a function refused."""
    remedy = f"Write {function.usage}." if function.usage else ""
    path = (*path, name)
    return TemplateError(_complaint(error), lead=(HERE,), path=dotted(path), place=place, remedy=remedy)


def _complaint(error: Exception) -> Complaint:
    """The reason in an argument error."""
    if isinstance(error, Refused):
        return error.complaint
    return Reason.OTHER(text=error.args[0] if error.args and isinstance(error, KeyError) else error)


def invalid_condition(name: object) -> Complaint:
    """The error for the name of a missing condition."""
    return Reason.INVALID_CONDITION(name=str(name)[:_LONGEST_NAME])
