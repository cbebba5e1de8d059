from typing import Any

from tests.support.context import FakeContext, gone

KIND = "OS::Nova::KeyPair"
MADE = {"keypair": {"name": "key", "public_key": "ssh-rsa x", "private_key": "secret"}}


def key(physical: str | None = None, **properties: Any) -> FakeContext:
    return FakeContext(KIND, physical=physical, properties={"name": "key"} | properties)


async def test_a_generated_private_key_is_kept_on_demand() -> None:
    for save, kept in ((True, "secret"), (False, "")):
        ctx = key(save_private_key=save)
        ctx.cloud.on("POST", "/os-keypairs", MADE)
        await ctx.type.create(ctx, ctx.props)
        assert ctx.type.reference(ctx.resource) == "key"
        seen = ctx.shown(await ctx.live())
        assert seen == {"public_key": "ssh-rsa x", "private_key": kept}


async def test_a_given_key_of_another_user() -> None:
    ctx = key(public_key="ssh-rsa x", type="ssh", user="u")
    ctx.cloud.on("POST", "/os-keypairs", MADE).on("DELETE", "/os-keypairs/key", None, gone())
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {"keypair": {"name": "key", "public_key": "ssh-rsa x", "type": "ssh", "user_id": "u"}}
    ]
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert {str(call.params) for call in ctx.cloud.calls if call.method == "DELETE"} == {"{'user_id': 'u'}"}


async def test_a_rollback_makes_it_again_in_the_place_of_another() -> None:
    ctx = key(public_key="ssh-rsa x")
    other = {"keypair": {"name": "key", "public_key": "ssh-rsa y"}}
    ctx.cloud.on("GET", "/os-keypairs/key", gone(), other, MADE)
    ctx.cloud.on("POST", "/os-keypairs", MADE).on("DELETE", "/os-keypairs/key", None)
    await ctx.type.create(ctx, ctx.props)
    for deleted in (0, 1, 1):
        await ctx.type.undo_replace(ctx, ctx.props)
        assert len([call for call in ctx.cloud.calls if call.method == "DELETE"]) == deleted
    assert ctx.cloud.sent("POST") == 3 * [{"keypair": {"name": "key", "public_key": "ssh-rsa x"}}]


async def test_it_is_found_unless_its_private_key_is_lost() -> None:
    ctx = key()
    ctx.cloud.on("GET", "/os-keypairs/key", MADE, gone())
    assert await ctx.type.find(ctx, ctx.load({"name": "key", "save_private_key": True})) == []
    assert await ctx.type.find(ctx, ctx.props) == [MADE["keypair"]]
    assert await ctx.type.find(ctx, ctx.props) == []


async def test_check_reads_it() -> None:
    ctx = key("key")
    ctx.cloud.on("GET", "/os-keypairs/key", MADE)
    await ctx.type.check(ctx, ctx.props)
    assert len(ctx.cloud.calls) == 1
