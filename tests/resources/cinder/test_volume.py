from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from stackd.errors import CloudError, PropertyError, ResourceFailure, ResourceInError
from stackd.records import Action, Resource
from stackd.template.unknown import Unknown
from tests.support.context import Call, FakeContext, gone

KIND = "OS::Cinder::Volume"
NAME = "app-thing-abcdefghijkl"


def live(status: str = "available", **values: Any) -> dict[str, Any]:
    return {"volume": {"id": "v", "status": status, "size": 1, "attachments": [], **values}}


def volume(
    physical: str | None = "v", stored: Mapping[str, Any] = MappingProxyType({}), **properties: Any
) -> FakeContext:
    return FakeContext(KIND, physical=physical, stored=stored, properties={"size": 1} | properties)


async def update(ctx: FakeContext, **changed: Any) -> Any:
    await ctx.type.update(ctx, ctx.props, ctx.load({**ctx.properties, **changed}))
    return ctx.cloud.asked()


async def test_create_asks_for_what_is_given() -> None:
    ctx = volume(
        None,
        image="img",
        metadata={"n": 1},
        scheduler_hints={"same_host": "x"},
        volume_type="t",
        description="d",
    )
    ctx.cloud.on("POST", "/volumes", live("creating"))
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.physical_id == "v"
    assert ctx.cloud.sent("POST") == [
        {
            "volume": {
                "name": NAME,
                "size": 1,
                "imageRef": "img",
                "metadata": {"n": "1"},
                "volume_type": "t",
                "description": "d",
            },
            "OS-SCH-HNT:scheduler_hints": {"same_host": "x"},
        }
    ]
    assert not ctx.type.ready(await ctx.live())


async def test_a_backup_is_restored_under_the_name_by_which_it_is_found() -> None:
    ctx = volume(None, backup_id="b", description="d")
    ctx.cloud.on("POST", "/backups/b/restore", {"restore": {"volume_id": "v"}}).on("PUT", "/volumes/v")
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.physical_id == "v"
    assert ctx.cloud.sent("POST") == [{"restore": {"name": NAME}}]
    assert ctx.cloud.sent("PUT") == [{"volume": {"name": NAME, "metadata": {}, "description": "d"}}]


async def test_the_read_only_flag_waits_for_the_volume() -> None:
    ctx = volume(read_only=True)
    ctx.cloud.on("GET", "/volumes/v", live("creating"), live()).on("POST", "/volumes/v/action")
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"os-update_readonly_flag": {"readonly": True}}]


@pytest.mark.parametrize(
    ("status", "answer"),
    [("available", True), ("in-use", True), ("downloading", False), ("extending", False)],
)
def test_ready(status: Any, answer: Any) -> None:
    assert volume().type.ready({"status": status}) is answer


def test_a_volume_in_error_says_so() -> None:
    with pytest.raises(ResourceInError, match='Went to status error due to "Unknown"'):
        volume().type.ready({"status": "error"})
    with pytest.raises(ResourceFailure, match="Unknown status strange"):
        volume().type.ready({"status": "strange"})
    assert volume().type.broken({"status": "error"})
    assert not volume().type.broken({"status": "error_extending"})


@pytest.mark.parametrize(
    "properties",
    [
        {"size": 1},
        {"size": 1, "image": "i"},
        {"size": None, "snapshot_id": "s"},
        {"size": None, "source_volid": Unknown("v")},
        {"size": Unknown("p"), "image": "i"},
        {"backup_id": "b", "size": None},
    ],
)
def test_sources_that_go_together(properties: Any) -> None:
    ctx = FakeContext(KIND, properties={key: value for key, value in properties.items() if value is not None})
    assert ctx.type.validate(ctx.props) is None


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"image": "i"},
        {"snapshot_id": "s", "source_volid": "v"},
        {"size": 1, "image": "i", "snapshot_id": "s"},
    ],
)
def test_sources_that_do_not(properties: Any) -> None:
    ctx = FakeContext(KIND, properties=properties)
    with pytest.raises(PropertyError):
        ctx.type.validate(ctx.props)


def test_an_old_image_property_is_the_image() -> None:
    assert volume(imageRef="i").props.image == "i"


async def test_name_description_and_metadata_change_at_once() -> None:
    ctx = volume(name="old", metadata={"a": "1"})
    ctx.cloud.on("PUT", "/volumes/v").on("PUT", "/volumes/v/metadata")
    await update(ctx, name=None, description="d", metadata={"b": True})
    assert ctx.cloud.sent("PUT") == [
        {"volume": {"name": NAME, "description": "d"}},
        {"metadata": {"b": "true"}},
    ]


async def test_growing_waits_until_it_is_done() -> None:
    ctx = volume()
    ctx.cloud.on(
        "GET", "/volumes/v", live("in-use"), live("in-use"), live("extending"), live("in-use", size=3)
    )
    ctx.cloud.on("POST", "/volumes/v/action")
    await update(ctx, size=3)
    assert ctx.cloud.sent("POST") == [{"os-extend": {"new_size": 3}}]


async def test_growing_again_does_nothing() -> None:
    ctx = volume()
    ctx.cloud.on("GET", "/volumes/v", live(size=3))
    assert await update(ctx, size=3) == []


async def test_shrinking_is_refused() -> None:
    ctx = volume(size=3)
    ctx.cloud.on("GET", "/volumes/v", live(size=3))
    with pytest.raises(ResourceFailure, match="Shrinking volume is not supported"):
        await update(ctx, size=1)


async def test_way_back_from_a_size_that_was_refused_does_nothing() -> None:
    ctx = volume(size=9999)
    ctx.cloud.on("GET", "/volumes/v", live(size=1))
    assert await update(ctx, size=1) == []


@pytest.mark.parametrize(("now", "retypes"), [("slow", 1), ("fast", 0)])
async def test_a_new_type_is_asked_for_once(now: Any, retypes: Any) -> None:
    ctx = volume(volume_type="slow-id")
    ctx.cloud.on("GET", "/types/fast-id", {"volume_type": {"name": "fast"}})
    ctx.cloud.on("GET", "/volumes/v", live(volume_type=now), live("retyping"), live())
    ctx.cloud.on("POST", "/volumes/v/action")
    await update(ctx, volume_type="fast-id")
    asked = [{"os-retype": {"new_type": "fast-id", "migration_policy": "never"}}] * retypes
    assert ctx.cloud.sent("POST") == asked


async def test_an_attached_volume_is_detached_while_a_backup_is_restored() -> None:
    ctx = volume()
    attached = live("in-use", attachments=[{"server_id": "s", "device": "/dev/vdb"}])
    states = [
        attached,
        live("detaching"),
        live(),
        live("restoring-backup"),
        live(),
        live(),
        live("attaching"),
    ]
    ctx.cloud.on("GET", "/volumes/v", *states, attached)
    path = "/servers/s/os-volume_attachments"
    ctx.cloud.on("DELETE", f"{path}/v").on("GET", f"{path}/v", gone())
    ctx.cloud.on("POST", "/backups/b/restore").on("POST", path, {"volumeAttachment": {"id": "v"}})
    asked = await update(ctx, backup_id="b")
    assert asked == [("DELETE", f"{path}/v"), ("POST", "/backups/b/restore"), ("POST", path)]
    assert ctx.cloud.sent("POST", "/backups/b/restore") == [{"restore": {"volume_id": "v"}}]
    assert ctx.cloud.sent("POST", path) == [{"volumeAttachment": {"volumeId": "v", "device": "/dev/vdb"}}]
    assert "reattach" not in ctx.data


async def test_a_volume_that_a_restart_left_detached_is_given_back() -> None:
    ctx = volume(read_only=True)
    await ctx.put_data(reattach=[{"server": "s", "device": None}])
    attached = live("in-use", attachments=[{"server_id": "s"}])
    ctx.cloud.on("GET", "/volumes/v", live(), live(), live(), attached)
    path = "/servers/s/os-volume_attachments"
    ctx.cloud.on("DELETE", f"{path}/v", gone()).on("GET", f"{path}/v", gone())
    ctx.cloud.on("POST", path, {"volumeAttachment": {"id": "v"}})
    assert await update(ctx) == [("DELETE", f"{path}/v"), ("POST", path)]
    assert "reattach" not in ctx.data


def attachment(action: Action) -> Resource:
    """The resource that has attached the volume to the server ``s``."""
    made = FakeContext(
        "OS::Cinder::VolumeAttachment",
        physical="v",
        properties={"instance_uuid": "s", "volume_id": "v"},
    )
    return replace(made.resource, id="maker", action=action)


@pytest.mark.parametrize(("left", "given_back"), [([Action.CREATE], 1), ([Action.DELETE], 0), ([], 0)])
async def test_a_volume_is_not_given_back_to_a_server_that_loses_it_meanwhile(
    left: list[Action], given_back: int
) -> None:
    ctx = volume(read_only=True)
    ctx.siblings.append(attachment(Action.CREATE))
    attached = live("in-use", attachments=[{"server_id": "s", "device": None}])
    ctx.cloud.on("GET", "/volumes/v", attached, live(), live(), attached)
    path = "/servers/s/os-volume_attachments"
    ctx.cloud.on("DELETE", f"{path}/v").on("GET", f"{path}/v", gone())
    ctx.cloud.on("POST", path, {"volumeAttachment": {"id": "v"}})

    def removed(call: Call) -> None:
        ctx.siblings[:] = map(attachment, left)

    ctx.cloud.on("POST", "/volumes/v/action", removed)
    await update(ctx, read_only=False)
    assert len(ctx.cloud.sent("POST", path)) == given_back
    assert "reattach" not in ctx.data


async def test_a_volume_in_use_is_not_deleted() -> None:
    ctx = volume()
    ctx.cloud.on("GET", "/volumes/v", live("in-use"))
    with pytest.raises(ResourceFailure, match="Volume in use"):
        await ctx.type.delete(ctx, ctx.props)


@pytest.mark.parametrize("status", ["creating", "downloading", "extending", "detaching", "backing-up"])
async def test_a_volume_at_work_is_deleted_when_that_is_over(status: Any) -> None:
    ctx = volume()
    ctx.cloud.on("GET", "/volumes/v", live(status), live(status), live()).on("DELETE", "/volumes/v")
    await ctx.type.delete(ctx, ctx.props)
    assert [call.method for call in ctx.cloud.calls] == ["GET", "GET", "GET", "DELETE"]


async def test_deletion_is_asked_for_once_and_waited_for() -> None:
    ctx = volume()
    ctx.cloud.on("GET", "/volumes/v", live(), live("deleting"), live("deleting"), gone())
    ctx.cloud.on("DELETE", "/volumes/v")
    await ctx.type.delete(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/volumes/v")]
    assert not await ctx.type.is_gone(ctx)
    assert await ctx.type.is_gone(ctx)
    with pytest.raises(ResourceInError, match="error_deleting"):
        ctx.type.gone({"status": "error_deleting"})


async def test_a_volume_to_keep_is_backed_up_before_it_is_deleted() -> None:
    ctx = volume()
    ctx.resource = replace(ctx.resource, deletion_policy="Snapshot")
    ctx.cloud.on("GET", "/volumes/v", live()).on("DELETE", "/volumes/v")
    ctx.cloud.on("POST", "/backups", backup("creating")).on("GET", "/backups/b", backup("available"))
    await ctx.type.delete(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", "/backups"), ("DELETE", "/volumes/v"), ("DELETE", "/volumes/v")]


def backup(status: Any) -> dict[str, Any]:
    return {"backup": {"id": "b", "status": status}}


def found(name: str = NAME, volume_id: str = "v") -> dict[str, Any]:
    return {"id": "b", "name": name, "volume_id": volume_id, "created_at": "2026-01-01T00:00:01.000000"}


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SNAPSHOT = "60ddf012-8229-4667-a978-50c803ae1558"


async def test_a_snapshot_is_a_backup_begun_once() -> None:
    ctx = volume(stored={"snapshot": SNAPSHOT})
    ctx.cloud.on("POST", "/backups", backup("creating"))
    ctx.cloud.on("GET", "/backups/b", backup("creating"), CloudError("down"), backup("available"))
    with pytest.raises(CloudError):
        await ctx.type.snapshot(ctx, ctx.props)
    await ctx.type.snapshot(ctx, ctx.props)
    name = f"{NAME}-50c803ae1558"
    assert ctx.cloud.sent("POST") == [{"backup": {"volume_id": "v", "name": name, "force": True}}]
    assert ctx.data == {"snapshot": SNAPSHOT, "copy": name, "backup_id": "b"}


async def test_a_backup_whose_id_is_not_known_is_looked_up_and_removed() -> None:
    ctx = volume()
    ctx.cloud.on("GET", "/backups/detail", {"backups": [found(), found("other")]}, {"backups": []})
    ctx.cloud.on("DELETE", "/backups/b", None).on("GET", "/backups/b", gone())
    await ctx.type.delete_snapshot(ctx, {"copy": NAME})
    await ctx.type.delete_snapshot(ctx, {"copy": NAME})
    assert ctx.cloud.asked() == [("DELETE", "/backups/b")]
    assert [call.params for call in ctx.cloud.calls if call.path == "/backups/detail"] == [{"name": NAME}] * 2


async def test_a_backup_before_a_deletion_is_no_earlier_one_of_the_same_name() -> None:
    ctx = volume(stored={"copy": NAME})
    ctx.resource = replace(ctx.resource, deletion_policy="Snapshot", updated_at=MOMENT + timedelta(days=1))
    ctx.cloud.on("GET", "/volumes/v", live()).on("DELETE", "/volumes/v")
    ctx.cloud.on("GET", "/backups/detail", {"backups": [found()]})
    ctx.cloud.on("POST", "/backups", backup("creating")).on("GET", "/backups/b", backup("available"))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", "/backups"), ("DELETE", "/volumes/v")]

    ctx = volume(stored={"copy": NAME})
    ctx.resource = replace(ctx.resource, deletion_policy="Snapshot", updated_at=MOMENT)
    ctx.cloud.on("GET", "/volumes/v", live()).on("DELETE", "/volumes/v")
    ctx.cloud.on("GET", "/backups/detail", {"backups": [found(volume_id="w"), found()]})
    ctx.cloud.on("GET", "/backups/b", backup("available"))
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/volumes/v")]


async def test_a_failed_backup_fails_the_snapshot() -> None:
    ctx = volume(stored={"snapshot": SNAPSHOT})
    ctx.cloud.on("POST", "/backups", backup("creating")).on("GET", "/backups/b", backup("error"))
    with pytest.raises(ResourceInError):
        await ctx.type.snapshot(ctx, ctx.props)


async def test_a_snapshot_is_removed_and_restored() -> None:
    ctx = volume()
    ctx.cloud.on("DELETE", "/backups/b", None, gone()).on("GET", "/backups/b", backup("deleting"), gone())
    await ctx.type.delete_snapshot(ctx, {"backup_id": "b"})
    await ctx.type.delete_snapshot(ctx, {"backup_id": "b"})
    properties = {"size": 1, "image": "i", "source_volid": "x"}
    assert ctx.type.restored(properties, {"backup_id": "b"}) == {"size": 1, "backup_id": "b"}


def test_attributes_are_text_but_for_lists_and_maps() -> None:
    ctx = volume()
    body = live(
        name="n", metadata={"a": "b"}, encrypted=False, multiattach=True, attachments=[{"server_id": "s"}]
    )["volume"]
    seen = ctx.type.attribute_values(ctx.resource, body)
    assert seen["size"] == "1"
    assert seen["display_name"] == "n"
    assert seen["metadata"] == '{"a": "b"}'
    assert seen["metadata_values"] == {"a": "b"}
    assert seen["encrypted"] == "False"
    assert seen["multiattach"] is True
    assert seen["attachments_list"] == [{"server_id": "s"}]
    assert seen["attachments"] == '[{"server_id": "s"}]'
    assert seen["snapshot_id"] is None


async def test_it_is_found_by_its_name() -> None:
    ctx = volume(None)
    listed = {"volumes": [{"id": "v", "name": NAME}, {"id": "w", "name": "other"}]}
    ctx.cloud.on("GET", "/volumes/detail", listed)
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["v"]
