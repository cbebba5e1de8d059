"""Trusts in a file, so that those who hold them can still use them after a restart of the dev cloud."""

from __future__ import annotations

import json
from pathlib import Path

from stackd.devcloud.world import World

TRUSTS = "identity.trusts"


def save_trusts(world: World) -> None:
    """Write all trusts to the file that the settings name, if they do; a crash leaves the file of before."""
    if not world.settings.trusts_file:
        return
    file = Path(world.settings.trusts_file)
    rows = [[trust.id, trust.data, trust.private] for trust in world.store.all(TRUSTS)]
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(json.dumps(rows))
    draft.replace(file)


def load_trusts(world: World) -> None:
    """Add the trusts of the file; one that cannot be read has none."""
    try:
        rows = json.loads(Path(world.settings.trusts_file).read_text()) if world.settings.trusts_file else []
    except (OSError, ValueError):
        return
    for trust_id, data, private in rows:
        world.store.add(TRUSTS, trust_id, "", data, private)
