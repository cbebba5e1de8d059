"""What a running Heat answers about its resource types, recorded and compared with.

    python -m tests.routers.recorded_types --endpoint http://127.0.0.1:8004/v1

records it. The user is that of OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME, an administrator,
who may use every type. Descriptions and messages, which are in own words, are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from stackd.resources.registry import types_of_heat
from tests.differential.record import signed_in

DATA: Final = Path(__file__).parent / "data" / "resource_types.json.gz"
VIEWS: Final[Mapping[str, str]] = {
    "show": "",
    "described": "?with_description=true",
    "template": "/template",
    "hot": "/template?template_type=hot",
    "cfn": "/template?template_type=cfn",
}
"""What is asked of each type, by path below it."""

QUERIES: Final = (
    *(
        "",
        "?with_description=true",
        "?with_description=false",
        "?name=OS::Heat::Val",
        "?name=Heat",
        "?name=(((",
    ),
    *("?name=OS::Nova::.*S", "?name=NoSuchType", "?version=5.0.0", "?version=2014.1", "?version=none"),
    *(f"?support_status={each}" for each in ("UNKNOWN", "SUPPORTED", "DEPRECATED", "UNSUPPORTED", "HIDDEN")),
    *(
        "?support_status=supported",
        "?support_status=GOOD",
        "?support_status=DEPRECATED&with_description=true",
    ),
    *("?name=OS::Aodh&support_status=DEPRECATED", "?name=OS::Heat&version=5.0.0", "?name=OS::Sahara"),
    *("?name=OS::Ceilometer", "?with_description=maybe"),
)
"""What lists are asked for, by query."""

UNKNOWN: Final = "OS::No::Such"
_WORDS: Final = frozenset({"description", "Description", "message"})

Json = dict[str, Any]
Get = Callable[[str], Awaitable[httpx.Response]]


def wordless(value: Any) -> Any:
    """The value without the texts that are in somebody's own words."""
    if isinstance(value, Mapping):
        kept = (
            (key, each) for key, each in value.items() if not (key in _WORDS and isinstance(each, str | None))
        )
        return {key: wordless(each) for key, each in kept}
    return [wordless(each) for each in value] if isinstance(value, list) else value


def answer(response: httpx.Response) -> Any:
    """What is compared of an answer: the body, or of an error its status, type and message."""
    body = response.json()
    if response.is_success:
        return wordless(body)
    error = body["error"]
    return {"status": response.status_code, "type": error["type"], "message": error.get("message", "")}


def listed(found: Any) -> Any:
    """The types of a list in order; lists have none of their own."""
    if "resource_types" not in found:
        return found
    return sorted(
        found["resource_types"], key=lambda each: each if isinstance(each, str) else each["resource_type"]
    )


async def asked(get: Get) -> Json:
    """All that is compared."""
    types = {
        name: {view: answer(await get(f"/resource_types/{name}{path}")) for view, path in VIEWS.items()}
        for name in (*sorted(types_of_heat()), UNKNOWN)
    }
    lists = {query: listed(answer(await get(f"/resource_types{query}"))) for query in QUERIES}
    return {"types": types, "lists": lists}


def recorded() -> Json:
    """The recorded answers."""
    found: Json = json.loads(gzip.decompress(DATA.read_bytes()))
    return found


async def record(endpoint: str) -> None:
    """Ask, and store what is answered."""
    async with httpx.AsyncClient(timeout=120) as client:
        token, project = await signed_in(client)

        async def get(path: str) -> httpx.Response:
            return await client.get(f"{endpoint}/{project}{path}", headers={"X-Auth-Token": token})

        found = await asked(get)
    text = json.dumps(found, sort_keys=True, ensure_ascii=False)
    DATA.write_bytes(gzip.compress(text.encode(), mtime=0))
    sys.stdout.write(
        f"{len(found['types'])} types, {len(found['lists'])} lists, {DATA.stat().st_size} bytes\n"
    )


def main() -> None:
    """Read the arguments, and record."""
    parser = argparse.ArgumentParser(description="Record what a running Heat answers about resource types.")
    parser.add_argument("--endpoint", required=True, help="its URL up to /v1")
    asyncio.run(record(parser.parse_args().endpoint))


if __name__ == "__main__":
    main()
