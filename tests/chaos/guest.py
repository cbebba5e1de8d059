"""What runs in the servers of the stacks that chaos strikes: it applies what is deployed, and signals."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from tests.support.guests import REPORTS

PERIOD: Final = 0.1


class Guest:
    """Polls what servers are to do, in a thread; signals are repeated until they are heard.

    ``native`` and ``cfn`` give the URLs of the server that answers at the moment. ``applied`` has what was
    deployed, with the ids under which it came: more than one id for one thing means that it was done twice.
    With ``reports`` it reports to every handle of a wait condition, as if all were set up.
    """

    def __init__(
        self,
        native: Callable[[], str],
        cfn: Callable[[], str],
        headers: Mapping[str, str],
        *,
        reports: bool = False,
    ) -> None:
        self._reports = reports
        self.applied: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._native, self._cfn = native, cfn
        self._http = httpx.Client(headers=headers, timeout=5)
        self._outside = httpx.Client(timeout=5)
        self._heard: set[str] = set()
        self._trouble = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """Whether it goes on, and why it last had to look again."""
        return f"{'at work' if self._thread.is_alive() else 'ended'}, {self._trouble or 'no trouble'}"

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join(20)
        self._http.close()
        self._outside.close()

    def _live(self) -> None:
        while not self._ended.wait(PERIOD):
            try:
                self._look()
            except (httpx.HTTPError, ValueError, KeyError) as error:
                self._trouble = repr(
                    error
                )  # the server is dead, or another has to answer: the next look finds it

    def _look(self) -> None:
        if self._reports:
            self._report()
        listed = self._http.get(f"{self._native()}/software_deployments").json()["software_deployments"]
        for server in {each["server_id"] for each in listed}:
            answer = self._http.get(f"{self._native()}/software_deployments/metadata/{server}")
            for config in answer.json()["metadata"]:
                self._apply(config)

    def _report(self) -> None:
        for stack in self._http.get(f"{self._native()}/stacks").json()["stacks"]:
            place = f"{self._native()}/stacks/{stack['stack_name']}/{stack['id']}"
            listed = self._http.get(f"{place}/resources", params={"nested_depth": 5}).json()["resources"]
            for each in listed:
                handle, kind = each["physical_resource_id"], each["resource_type"]
                if kind not in REPORTS or handle in self._heard or "COMPLETE" not in each["resource_status"]:
                    continue
                path = next(link["href"] for link in each["links"] if link["rel"] == "self")
                inside = urlsplit(path).path.partition("/stacks/")[2]
                sent = self._http.post(f"{self._native()}/stacks/{inside}/signal", json=REPORTS[kind])
                if sent.is_success:
                    self._heard.add(handle)

    def _apply(self, config: Mapping[str, Any]) -> None:
        inputs = {each["name"]: each.get("value") for each in config["inputs"]}
        own = [f"{name}={value}" for name, value in inputs.items() if not name.startswith("deploy_")]
        what = (inputs["deploy_resource_name"], inputs["deploy_action"], config["config"], *own)
        self.applied[(inputs["deploy_stack_id"], *what)].add(config["id"])
        if config["id"] in self._heard:
            return
        answer = self._signal(inputs, {"deploy_stdout": f"{what}", "deploy_status_code": 0})
        if answer.is_success:
            self._heard.add(config["id"])

    def _signal(self, inputs: Mapping[str, Any], details: Mapping[str, Any]) -> httpx.Response:
        transport = inputs["deploy_signal_transport"]
        if transport == "HEAT_SIGNAL":
            path = f"stacks/{inputs['deploy_stack_id']}/resources/{inputs['deploy_resource_name']}/signal"
            return self._http.post(f"{self._native()}/{path}", json=details)
        url = inputs["deploy_signal_id"]
        if transport == "CFN_SIGNAL":  # whichever server is at work answers, as behind a balancer
            place = urlsplit(self._cfn())
            url = urlunsplit(urlsplit(url)._replace(netloc=place.netloc))
        return self._outside.request(inputs["deploy_signal_verb"], url, json=details)
