"""A Dockerfile as stages of instructions: as much of the format as ours uses."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word, its flags (`--from=build`), and the rest of its text."""

    word: str
    flags: dict[str, str]
    text: str

    @property
    def exec_form(self) -> list[str] | None:
        """The command as a list of words; None when a shell would have to split it."""
        command = self.text.removeprefix("CMD ") if self.word == "HEALTHCHECK" else self.text
        return list(json.loads(command)) if command.startswith("[") else None

    @property
    def pairs(self) -> dict[str, str]:
        """What an ENV instruction sets."""
        return dict(word.split("=", 1) for word in shlex.split(self.text))


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands between one FROM and the next."""

    image: str
    name: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[Instruction]:
        """Its instructions of that kind, in order."""
        return [one for one in self.instructions if one.word == word]

    def last(self, word: str) -> Instruction:
        """The one of that kind that counts."""
        return self.all(word)[-1]

    @property
    def env(self) -> dict[str, str]:
        """Every variable it sets."""
        return {key: value for one in self.all("ENV") for key, value in one.pairs.items()}


def parse(text: str) -> list[Stage]:
    """The stages of a Dockerfile, in order."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    instructions = [_instruction(line) for line in joined.splitlines() if line.strip()]
    starts = [index for index, one in enumerate(instructions) if one.word == "FROM"]
    ends = [*starts[1:], len(instructions)]
    return [_stage(instructions[start:end]) for start, end in zip(starts, ends, strict=True)]


def _instruction(line: str) -> Instruction:
    word, _, rest = line.strip().partition(" ")
    flags: dict[str, str] = {}
    while found := re.match(r"--([\w-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Instruction(word.upper(), flags, rest.strip())


def _stage(instructions: list[Instruction]) -> Stage:
    image, _, name = instructions[0].text.partition(" AS ")
    return Stage(image, name, tuple(instructions[1:]))


def stages() -> list[Stage]:
    """The stages of the project's Dockerfile."""
    return parse((ROOT / "Dockerfile").read_text())
