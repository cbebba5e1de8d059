"""A machine for the guest tools: a scratch root, and commands that are recorded instead of run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from stackd_cfntools.system import Command, Outcome, System

PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:{uid}:{gid}:web:/srv/web:/sbin/nologin\n"
GROUP = "root:x:0:\nweb:x:{gid}:\n"


T = TypeVar("T")


def words(command: Command) -> str:
    """A command as one text."""
    return command.words if isinstance(command.words, str) else " ".join(command.words)


class Machine(System):
    """A machine whose commands end as ``outcomes`` says, by how they begin, and well if it says nothing."""

    def __init__(self, root: Path, programs: tuple[str, ...] = ()) -> None:
        super().__init__(str(root), self._record, self._pause, {"PATH": str(root / "bin")})
        self.commands: list[Command] = []
        self.outcomes: dict[str, Outcome] = {}
        self.effects: dict[str, Callable[[], None]] = {}
        self.pauses: list[float] = []
        self.time = 1_700_000_000.0
        for name in programs:
            self.program(name)

    def _record(self, command: Command) -> Outcome:
        self.commands.append(command)
        if effect := self._chosen(self.effects, command):
            effect()
        return self._chosen(self.outcomes, command) or Outcome(0, "")

    def _chosen(self, table: Mapping[str, T], command: Command) -> T | None:
        return next((value for start, value in table.items() if words(command).startswith(start)), None)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def now(self) -> float:
        """The time of this machine, which only pauses move."""
        return self.time

    def name(self) -> str:
        """A fixed name."""
        return "machine.example.com"

    @property
    def ran(self) -> list[str]:
        """The commands so far, as texts."""
        return [words(each) for each in self.commands]

    def real(self, path: str) -> Path:
        """Where a path of the machine is."""
        return Path(self.path(path))

    def put(self, path: str, text: str, mode: int = 0o644) -> Path:
        """Write a file."""
        target = self.real(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
        return target

    def program(self, name: str) -> None:
        """Have a program, which does nothing."""
        self.put(f"/bin/{name}", "#!/bin/sh\n", 0o755)
