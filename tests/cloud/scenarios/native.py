"""Stacks on a server that need not be in the catalog: the native API, asked with plain HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.cloud.scenarios.session import Session

LONGEST = 240


@dataclass(frozen=True, slots=True)
class Orchestration:
    """The native API of the server at ``url``, as a user of the cloud."""

    url: str
    session: Session

    def request(self, method: str, path: str, **body: Any) -> None:
        """Send a request, and have a good answer."""
        url = f"{self.url}/v1/{self.session.project_id}{path}"
        reply = self.session.request(method, "url", url, **({"json": body} if body else {}))
        assert reply.is_success, f"{method} {url}: {reply.status_code} {reply.text}"

    def create(self, name: str, **body: Any) -> None:
        """Make a stack and wait until it is made."""
        self.request("POST", "/stacks", stack_name=name, **body)
        self.wait(name, "CREATE_COMPLETE")

    def update(self, name: str, **body: Any) -> None:
        """Change a stack and wait until it is changed."""
        before = self.show(name)
        self.request("PUT", f"/stacks/{name}/{before['id']}", **body)
        self.wait(name, "UPDATE_COMPLETE", after=before["updated_time"])

    def delete(self, name: str) -> None:
        """Delete a stack and wait until it is gone."""
        shown = self.show(name)
        path = f"/stacks/{name}/{shown['id']}"
        self.request("DELETE", path)
        end = time.monotonic() + LONGEST
        url = f"{self.url}/v1/{self.session.project_id}{path}"
        while (shown := self.session.look("url", url) or {}).get("stack"):
            status = shown["stack"]["stack_status"]
            if status == "DELETE_COMPLETE":
                return
            assert status != "DELETE_FAILED", shown["stack"]["stack_status_reason"]
            assert time.monotonic() < end, f"{name} is still there"
            time.sleep(0.5)

    def show(self, name: str) -> dict[str, Any]:
        """A stack as it is now."""
        url = f"{self.url}/v1/{self.session.project_id}/stacks/{name}"
        reply = self.session.http.get(url, follow_redirects=True)
        assert reply.is_success, f"{reply.url}: {reply.status_code} {reply.text}"
        shown: dict[str, Any] = reply.json()["stack"]
        return shown

    def wait(self, name: str, wanted: str, *, after: str | None = None) -> None:
        """Return when the stack has a status, by an update ``after`` another one if that is given."""
        end = time.monotonic() + LONGEST
        while (shown := self.show(name))["stack_status"] != wanted or (
            after and shown["updated_time"] == after
        ):
            assert not shown["stack_status"].endswith("_FAILED"), shown["stack_status_reason"]
            assert time.monotonic() < end, f"{name} is {shown['stack_status']}"
            time.sleep(0.5)
