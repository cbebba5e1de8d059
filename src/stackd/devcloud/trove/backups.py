"""Backups of instances, with which other instances can begin."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.collection import Collection, Field, Progression, fetch
from stackd.devcloud.store import JSON
from stackd.devcloud.trove.instances import BACKUPS as KIND
from stackd.devcloud.trove.instances import INSTANCES, check_active
from stackd.devcloud.trove.style import STYLE, checked_text
from stackd.devcloud.wire import Call


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    checked_text("backup['name']", values["name"])
    instance = fetch(INSTANCES, STYLE, call, str(values.pop("instance")))
    check_active(instance)
    values |= {"instance_id": instance.id, "datastore": dict(instance.data["datastore"]), "size": 0.1}
    values |= {"locationRef": None, "parent_id": None}


BACKUPS: Final = Collection(
    kind=KIND, path="/backups", singular="backup", plural="backups", label="Backup",
    fields={"name": Field(required=True), "instance": Field(required=True), "description": Field()},
    progress=Progression("NEW", "COMPLETED"), broken={"status": "FAILED"}, create_status=202,
    methods="list create show delete", prepare=_prepare,
)  # fmt: skip
