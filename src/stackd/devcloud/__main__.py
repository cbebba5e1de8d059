"""`python -m stackd.devcloud`: a dev cloud of its own, for tests and for trying clients."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from stackd.devcloud.cloud import DevCloud
from stackd.devcloud.server import serve
from stackd.devcloud.services import SERVICES
from stackd.devcloud.settings import DevCloudSettings


def exports(cloud: DevCloud) -> str:
    """Shell lines that point the OpenStack clients at the cloud."""
    values = {
        "AUTH_URL": cloud.auth_url, "USERNAME": "admin", "PASSWORD": "secret", "PROJECT_NAME": "admin",
        "USER_DOMAIN_ID": "default", "PROJECT_DOMAIN_ID": "default", "REGION_NAME": cloud.settings.region,
        "IDENTITY_API_VERSION": "3",
    }  # fmt: skip
    return f"# {cloud.world.base_url}\n" + "\n".join(
        f"export OS_{name}={value}" for name, value in values.items()
    )


def main(arguments: list[str] | None = None) -> None:
    """Run until interrupted; prints the cloud's addresses first."""
    parser = argparse.ArgumentParser(prog="stackd.devcloud", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to each call")
    parser.add_argument("--ready-after", type=float, default=0.2, help="seconds until objects are ready")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--quota", action="append", default=[], metavar="NAME=LIMIT")
    parser.add_argument("--services", default="", metavar="NAME[,NAME...]", help="only these; all by default")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of exports")
    options = parser.parse_args(arguments)
    services = [each.strip() for each in options.services.split(",") if each.strip()]
    if unknown := [each for each in services if each not in SERVICES]:
        parser.error(f"there is no service {unknown[0]}, but {', '.join(SERVICES)}")
    quotas = {name: int(limit) for name, _, limit in (text.partition("=") for text in options.quota)}
    settings = DevCloudSettings(
        host=options.host, port=options.port, latency=options.latency, ready_after=options.ready_after,
        seed=options.seed, quotas=quotas, services=services,
    )  # fmt: skip

    def announce(cloud: DevCloud) -> None:
        place = {"url": cloud.world.base_url, "auth_url": cloud.auth_url}
        sys.stdout.write((json.dumps(place) if options.json else exports(cloud)) + "\n")
        sys.stdout.flush()

    async def run() -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: task.cancel() if task else None)
        with contextlib.suppress(asyncio.CancelledError):
            await serve(settings, ready=announce)

    try:
        import uvloop
    except ImportError:
        asyncio.run(run())
    else:
        uvloop.run(run())


if __name__ == "__main__":
    main()
