from typing import Any

import pytest

from tests.support.context import FakeContext, gone

KIND = "OS::Cinder::EncryptedVolumeType"
PATH = "/types/t/encryption"
PROPERTIES = {"volume_type": "t", "provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256}
BODY = {key: value for key, value in PROPERTIES.items() if key != "volume_type"} | {
    "control_location": "front-end"
}


def encryption(physical: str | None = "t") -> FakeContext:
    return FakeContext(KIND, physical=physical, properties=PROPERTIES)


async def test_it_is_a_part_of_its_type() -> None:
    ctx = encryption(None)
    ctx.cloud.on("POST", PATH, {"encryption": {}}).on("DELETE", f"{PATH}/provider")
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"encryption": BODY}]
    assert ctx.type.reference(ctx.resource) == "t"
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked("DELETE") == [("DELETE", f"{PATH}/provider")]


async def test_update_sends_what_differs_and_nulls() -> None:
    ctx = encryption()
    ctx.cloud.on("PUT", f"{PATH}/provider", {})
    await ctx.type.update(ctx, ctx.props, ctx.load({"volume_type": "t", "provider": "luks2"}))
    await ctx.type.update(ctx, ctx.props, ctx.props)
    changed = {"provider": "luks2", "cipher": None, "key_size": None}
    assert ctx.cloud.sent("PUT") == [{"encryption": changed}]


OTHER, OURS = {**BODY, "provider": "plain"}, {**BODY, "created_at": "2026-01-01T00:00:00"}


@pytest.mark.parametrize(("answer", "found"), [(gone(), []), ({}, []), (OTHER, []), (OURS, ["t"])])
async def test_only_an_encryption_like_ours_is_found(answer: Any, found: list[str]) -> None:
    ctx = encryption(None)
    ctx.cloud.on("GET", PATH, answer)
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == found


async def test_replacement_gives_way_and_comes_back() -> None:
    ctx = encryption()
    ctx.cloud.on("DELETE", f"{PATH}/provider", gone(), None).on("POST", PATH)
    ctx.cloud.on("GET", PATH, OTHER, BODY)
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert [method for method, _ in ctx.cloud.asked()] == ["DELETE", "DELETE", "POST"]
    assert not ctx.type.broken({})
