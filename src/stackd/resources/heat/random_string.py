"""OS::Heat::RandomString, a text that is drawn once: a password, a key, a unique suffix."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import between, one_of
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, Support, prop
from stackd.template.unknown import has_unknown

CLASSES = {
    "lettersdigits": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.digits + "ABCDEF",
    "octdigits": string.octdigits,
}
_HIDDEN = Support(
    "HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2", message="Use character_classes.")
)


class CharacterClass(Properties):
    """A named set of characters and how many of them there must be."""

    char_class: str = prop(
        "A named set of characters to draw from.",
        name="class",
        default="lettersdigits",
        constraints=[one_of(*CLASSES)],
    )
    min: int = prop(
        "How many characters of this set there are at least.", default=1, constraints=[between(1, 512)]
    )


class CharacterSequence(Properties):
    """A literal set of characters and how many of them there must be."""

    sequence: str = prop("The characters to draw from.", required=True)
    min: int = prop(
        "How many of these characters there are at least.", default=1, constraints=[between(1, 512)]
    )


class RandomStringProps(Properties):
    """Properties of ``OS::Heat::RandomString``."""

    length: int = prop("How long the text is.", default=32, constraints=[between(1, 512)])
    sequence: str | None = prop(
        "A named set of characters to draw from.", constraints=[one_of(*CLASSES)], support=_HIDDEN
    )
    character_classes: list[CharacterClass] = prop(
        "Named sets of characters that the text is made of.", default=[{"class": "lettersdigits", "min": 1}]
    )
    character_sequences: list[CharacterSequence] | None = prop(
        "Literal sets of characters that the text is made of."
    )
    salt: str | None = prop("Any text; when it changes, a new text is drawn.")


@resource_type("OS::Heat::RandomString", since="2014.1")
class RandomString(ResourceType[RandomStringProps]):
    """A text drawn at random when the resource is created; it stays the same until a property changes."""

    local = True
    attributes: ClassVar = {
        "value": attr(
            "The text; the same that a reference to the resource gives.",
            compute=lambda resource: resource.data.get("value"),
        )
    }

    def validate(self, props: RandomStringProps) -> None:
        """Together the minima must fit into the length."""
        if not has_unknown(props.data) and sum(least for _, least in _parts(props)) > props.length:
            raise PropertyError(
                "Length property cannot be smaller than combined character class and "
                "character sequence minimums",
                remedy="Raise length or lower the minima.",
            )

    async def create(self, ctx: Context, props: RandomStringProps) -> None:
        """Draw the text and keep it as a private value."""
        await ctx.put_data(value=draw(_parts(props), props.length))
        await ctx.created(ctx.physical_name)

    def reference(self, resource: Resource) -> Any:
        """The text itself."""
        return resource.data.get("value") or resource.name


def draw(parts: Sequence[tuple[str, int]], length: int) -> str:
    """A text of this length with at least so many characters of each set, the rest from all of them."""
    drawn = [secrets.choice(alphabet) for alphabet, least in parts for _ in range(least)]
    everything = "".join(alphabet for alphabet, _ in parts)
    drawn += [secrets.choice(everything) for _ in range(length - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _parts(props: RandomStringProps) -> list[tuple[str, int]]:
    """The sets of characters to draw from, and how many of each there must be."""
    named = props.character_classes
    if props.sequence and "character_classes" not in props.given:
        named = [CharacterClass.load({"class": props.sequence})]
    parts = [(CLASSES[each.char_class], each.min) for each in named]
    return parts + [(each.sequence, each.min) for each in props.character_sequences or []]
