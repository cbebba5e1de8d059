"""What it costs to change the size of a group by signals, and its members by a rolling update."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psutil

from bench.processes import System, system
from bench.results import Result

_PATIENCE = 300.0
_MEMBER = {"type": "OS::Heat::TestResource", "properties": {"value": "a"}}


def _template(size: int, most: int, value: str = "a") -> dict[str, Any]:
    """A group of so many members with a policy that adds one, and one that makes them ``most``."""
    rolling = {"max_batch_size": max(1, size // 10), "min_in_service": 0, "pause_time": 0}
    group = {
        "min_size": 0,
        "max_size": most + 100,
        "desired_capacity": size,
        "resource": {**_MEMBER, "properties": {"value": value}},
        "rolling_updates": rolling,
    }
    to = {"auto_scaling_group_id": {"get_resource": "group"}}
    one = {**to, "adjustment_type": "change_in_capacity", "scaling_adjustment": 1}
    all_ = {**to, "adjustment_type": "exact_capacity", "scaling_adjustment": most}
    return {
        "heat_template_version": "2018-08-31",
        "resources": {
            "group": {"type": "OS::Heat::AutoScalingGroup", "properties": group},
            "one": {"type": "OS::Heat::ScalingPolicy", "properties": one},
            "all": {"type": "OS::Heat::ScalingPolicy", "properties": all_},
        },
        "outputs": {"size": {"value": {"get_attr": ["group", "current_size"]}}},
    }


class _Group:
    """A stack with a group, over HTTP."""

    def __init__(self, target: System, path: str) -> None:
        self._target = target
        self._path = path
        self._process = psutil.Process(target.server.pid)

    @classmethod
    async def made(cls, target: System, name: str, template: dict[str, Any]) -> _Group:
        """A new stack, once it is complete."""
        body = {"stack_name": name, "template": template, "timeout_mins": 60}
        async with target.http.post(f"{target.base}/stacks", json=body, headers=target.headers) as answer:
            stack_id = (await answer.json())["stack"]["id"]
        group = cls(target, f"{target.base}/stacks/{name}/{stack_id}")
        await group.settled()
        return group

    async def settled(self) -> None:
        """Return when the stack is complete."""
        end = time.perf_counter() + _PATIENCE
        while time.perf_counter() < end:
            async with self._target.http.get(
                f"{self._path}?resolve_outputs=false", headers=self._target.headers
            ) as answer:
                stack = (await answer.json())["stack"]
            if stack["stack_status"].endswith("_COMPLETE"):
                return
            if stack["stack_status"].endswith("_FAILED"):
                raise RuntimeError(stack["stack_status_reason"])
            await asyncio.sleep(0.01)
        raise RuntimeError("The stack was not complete in time")

    async def size(self) -> int:
        """The number of members, as the output of the stack shows it."""
        async with self._target.http.get(f"{self._path}/outputs/size", headers=self._target.headers) as found:
            return int((await found.json())["output"]["output_value"])

    async def signal(self, policy: str, size: int) -> tuple[float, float]:
        """Signal a policy; the seconds until the size was reached, and those of the server's processor."""
        begun, used = time.perf_counter(), self._used()
        url = f"{self._path}/resources/{policy}/signal"
        async with self._target.http.post(url, json={}, headers=self._target.headers) as answer:
            answer.raise_for_status()
        while await self.size() != size:
            if time.perf_counter() - begun > _PATIENCE:
                raise RuntimeError(f"The group does not get {size} members")
            await asyncio.sleep(0.005)
        return time.perf_counter() - begun, self._used() - used

    async def update(self, template: dict[str, Any]) -> float:
        """Update the stack; the seconds until that is complete."""
        begun = time.perf_counter()
        async with self._target.http.put(
            self._path, json={"template": template}, headers=self._target.headers
        ) as answer:
            answer.raise_for_status()
        await self.settled()
        return time.perf_counter() - begun

    def _used(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


async def scaling(quick: bool) -> list[Result]:
    """A group from 1 to 500 members by one signal, then one more; and a rolling update of all."""
    most = 100 if quick else 500
    async with system() as target:
        await _Group.made(target, "warm", _template(3, 3))
        small = await _Group.made(target, "small", _template(10, 10))
        group = await _Group.made(target, "scaled", _template(1, most))
        grown, _ = await group.signal("all", most)
        few = [await small.signal("one", 11 + turn) for turn in range(5)]
        many = [await group.signal("one", most + 1 + turn) for turn in range(5)]
        rolled = await group.update(_template(most, most, "b"))
    return [
        Result(f"signal: 1 → {most} members, each", grown / most * 1000, "ms", 1.0),
        Result("signal: 10 + 1 members", min(seconds for seconds, _ in few) * 1000, "ms"),
        Result(f"signal: {most} + 1 members", min(seconds for seconds, _ in many) * 1000, "ms"),
        Result("processor, 10 + 1 members", sum(used for _, used in few) / len(few) * 1000, "ms"),
        Result(f"processor, {most} + 1 members", sum(used for _, used in many) / len(many) * 1000, "ms"),
        Result(f"rolling update of {most} in 10 batches, each", rolled / most * 1000, "ms"),
    ]
