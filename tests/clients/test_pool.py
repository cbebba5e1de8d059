import respx

from stackd.clients import Clouds, KeystoneSettings, TokenCredentials

from .conftest import DEMO


async def test_same_credentials_get_the_same_cloud(clouds: Clouds) -> None:
    assert clouds.cloud(DEMO) is clouds.cloud(DEMO)
    assert clouds.cloud(DEMO) is not clouds.cloud(TokenCredentials("t"))
    assert clouds.cloud(DEMO) is not clouds.cloud(DEMO, region="R2")


async def test_region_of_a_request_replaces_the_configured_one(clouds: Clouds) -> None:
    assert clouds.cloud(DEMO, region="R2").session.settings.region == "R2"
    assert clouds.cloud(DEMO).session.settings.region == "R1"


async def test_least_recently_used_cloud_goes_first() -> None:
    async with Clouds(KeystoneSettings("http://k"), most=2) as clouds:
        first, second = TokenCredentials("1"), TokenCredentials("2")
        kept, dropped = clouds.cloud(first), clouds.cloud(second)
        clouds.cloud(first)
        clouds.cloud(TokenCredentials("3"))
        assert clouds.cloud(first) is kept
        assert clouds.cloud(second) is not dropped


async def test_idle_cloud_is_dropped() -> None:
    async with Clouds(KeystoneSettings("http://k"), idle=0.0) as clouds:
        assert clouds.cloud(DEMO) is not clouds.cloud(DEMO)


async def test_forgotten_credentials_log_in_again(api: respx.MockRouter, clouds: Clouds) -> None:
    await clouds.open(DEMO)
    clouds.forget(DEMO)
    await clouds.open(DEMO)
    assert api["login"].call_count == 2
