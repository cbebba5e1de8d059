"""Renders mistakes in templates: their reasons, paths, and the sentences of the messages.

A template error is data: a `Reason`, the words that vary, and the path. Only this module renders a message of
them, and only where it is shown; code decides by the data. The words are Heat's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Here(Enum):
    """Placeholder among words for the path of the error, which is known only when it is shown."""

    HERE = "here"


HERE: Final = Here.HERE
Word = str | Here
PROPERTY_ERROR: Final = ("Property error", HERE)
"""The leading part of messages about a property."""


class Reason(Enum):
    """The reason of a mistake; the value is the sentence, with the names of the words that vary.

    A mistake whose sentence is made at one place only is ``OTHER`` and has it as its text; ``DESCRIBED`` is
    the sentence of the template's author. The word ``value`` is what may differ when the members of a group
    all have the same mistake.
    """

    OTHER = "{text}"
    DESCRIBED = "{description}"
    CIRCULAR_DEPENDENCY = "Circular Dependency Found: {{{circle}}}"
    CONSTRAINT_TYPE = "{constraint} constraint invalid for {type}"
    EXTERNAL_DEPENDENCY = "{name} is an external resource, on which no other can depend"
    EXTERNAL_MISSING = "Invalid external resource: Resource {id} ({type}) can not be found."
    EXCLUSIVE_PROPERTIES = "Cannot define the following properties at the same time: {names}."
    INVALID_CONDITION = 'Invalid condition "{name}"'
    MISSING_PARAMETER = "The Parameter ({name}) was not provided."
    MISSING_PROPERTY = "Property {name} not assigned"
    MISSING_TEMPLATE = 'Could not fetch remote template "{name}": {why}'
    NESTED_TOO_DEEP = "Recursion depth exceeds {most}."
    NOT_A_MAP = '"{where}" is not a map but: {found}'
    NOT_ALLOWED = "{found} is not an allowed value {allowed}"
    NOT_IMPLEMENTED = "Property {name} not implemented yet"
    NOT_MATCHING = '"{found}" does not match pattern "{pattern}"'
    NOT_MULTIPLE = "{found} is not a multiple of {step} with an offset of {offset}"
    OUT_OF_RANGE = "{value} is out of range (min: {min}, max: {max})"
    REFUSED_VALUE = "Error validating value '{value}'{why}"
    REFUSED_UNSEEN = "its value ({value}) is not a valid {form}"
    UNDECLARED_PARAMETER = "The Parameter ({name}) was not defined in template."
    UNKNOWN_ATTRIBUTE = "The Referenced Attribute ({resource} {name}) is incorrect."
    UNKNOWN_OUTPUT_KEY = '"{name}" is not a valid keyword inside a output definition'
    UNKNOWN_PROPERTY = "Unknown Property {name}"
    UNKNOWN_REFERENCE = 'The specified reference "{name}" (in {where}) is incorrect.'
    UNKNOWN_TYPE = "The Resource Type ({name}) could not be found."
    UNMET_ASSERTION = "{where} does not hold."
    WRONG_LENGTH = "length ({value}) is out of range (min: {min}, max: {max})"

    def __call__(self, **words: Any) -> Complaint:
        """The complaint of this reason with these words."""
        return Complaint(self, {key: word if word is HERE else str(word) for key, word in words.items()})


@dataclass(frozen=True, slots=True)
class Complaint:
    """A reason with its words, but without the place."""

    reason: Reason
    words: Mapping[str, Word]

    def sentence(self, path: str = "") -> str:
        """What is wrong, in one sentence; ``path`` stands for `HERE`."""
        words = {key: path if word is HERE else str(word) for key, word in self.words.items()}
        return words["text"] if self.reason is Reason.OTHER else self.reason.value.format_map(words)

    def gist(self, path: str = "") -> str:
        """The sentence without the value: the same for the same mistake in several members of a group."""
        return Complaint(self.reason, {**self.words, "value": ""}).sentence(path)

    def without_value(self, mask: str) -> Complaint:
        """The same complaint with a mask in place of the value; limits and the author's words stay."""
        match self.reason:
            case Reason.OTHER:
                return Reason.OTHER(text=f"its value ({mask}) is not acceptable")
            case Reason.REFUSED_VALUE:
                return Reason.REFUSED_UNSEEN(value=mask, form=self.words["form"])
        masks = dict.fromkeys(_VALUES & self.words.keys(), mask)
        return Complaint(self.reason, {**self.words, **masks})

    def __str__(self) -> str:
        return self.sentence()


_VALUES: Final = frozenset({"value", "found"})
"""Words that are a value, or follow from one."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a tree of stacks: a dotted path, and around it the resources in which its stack is.

    ``around`` has the outermost resource first, with what its stack is made of: ``web<server.yaml>``.
    """

    around: tuple[str, ...] = ()
    path: str = ""

    def inside(self, label: str) -> Where:
        """The same place seen from the stack that has the resource ``label``, in which it is."""
        return Where((label, *self.around), self.path)

    @property
    def is_inside(self) -> bool:
        """Whether it is something in a stack inside, and not the whole of one."""
        return len(self.around) + bool(self.path) > 1 and bool(self.around)

    def as_member(self) -> Where:
        """The same with the number of a group's member as an index: ``resources[0].properties.image``."""
        if self.around:
            first, *others = self.around
            return Where((_MEMBER.sub(r"[\1]", first), *others), self.path)
        return Where((), _MEMBER_PATH.sub(r"resources[\1]", self.path))

    def __str__(self) -> str:
        steps = [f"resources{label}" if label[:1] == "[" else f"resources.{label}" for label in self.around]
        return ".".join([*steps, *([self.path] if self.path else [])])


_MEMBER: Final = re.compile(r"^(\d+)(?=<)")
_MEMBER_PATH: Final = re.compile(r"^resources\.(\d+)(?=\.|$)")


def message(complaint: Complaint, lead: tuple[Word, ...], path: str, separator: str = ": ") -> str:
    """The whole message: the leading parts and the sentence, separated by colons.

    ``separator`` is the one around places and after the kind of an error; after other parts it is a colon.
    """
    text = ""
    for part in lead:
        is_place = part is HERE or str(part).endswith(_KIND)
        text += (path if part is HERE else str(part)) + (separator if is_place else ": ")
    return text + complaint.sentence(path)


def with_remedy(message: str, remedy: str) -> str:
    """A message and its remedy in one text, each a sentence: many messages of Heat have no full stop."""
    if not remedy:
        return message
    if "\n" in message:  # it ends with a line of the text
        return f"{message}\n{remedy}"
    end = "" if message.endswith((".", "!", "?")) else "."
    return f"{message}{end} {remedy}"


_KIND: Final = " error"
"""How the leading parts end that name the kind of an error: ``Property error``."""
