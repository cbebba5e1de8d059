"""Alarms are found within their project, and taken by one process when they are due."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stackd.db import alarms
from stackd.db.alarms import HistoryFilter, alarm_id
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Update
from stackd.errors import Fenced
from stackd.records import Alarm, AlarmAction, AlarmHistory
from tests.support.records import START

SECOND = timedelta(seconds=1)


def an_alarm(name: str = "hot", project: str = "p", **fields: Any) -> Alarm:
    alarm = Alarm(
        id=alarm_id(project, name),
        project_id=project,
        name=name,
        origin="api",
        namespace="n",
        metric_name="m",
        configuration={"Threshold": 1.0},
        reason="Unchecked",
        configured_at=START,
        updated_at=START,
        transitioned_at=START,
        interval=60,
        due_at=START,
    )
    return replace(alarm, **fields)


async def test_an_alarm_is_of_its_project_alone(database: Database, journal: Journal) -> None:
    mine, theirs = an_alarm(), an_alarm(project="q")
    await journal.write(Insert(mine), Insert(theirs))
    assert await alarms.get(database, "p", "hot") == mine
    assert await alarms.listed(database, "q") == [theirs]
    assert await alarms.of_metric(database, "p", "n", "m") == [mine]
    assert await alarms.by_id(database, mine.id, "q") is None


async def test_of_two_that_make_an_alarm_one_is_first(database: Database, journal: Journal) -> None:
    await journal.write(Insert(an_alarm()))
    with pytest.raises(Fenced):
        await journal.write(Insert(an_alarm()))


async def test_lists_are_by_name_and_filtered(database: Database, journal: Journal) -> None:
    states = {"a1": "OK", "a_2": "ALARM", "b": "ALARM"}
    await journal.write(*(Insert(an_alarm(name, state=state)) for name, state in states.items()))

    async def names(**wanted: Any) -> list[str]:
        return [each.name for each in await alarms.listed(database, "p", **wanted)]

    assert await names() == ["a1", "a_2", "b"]
    assert await names(prefix="a_") == ["a_2"]
    assert await names(state="ALARM", after="a_2") == ["b"]
    assert await names(names=["b", "x"]) == ["b"]
    assert await names(limit=1) == ["a1"]


async def test_a_due_alarm_is_taken_once_and_is_due_again_after_its_interval(
    database: Database, journal: Journal
) -> None:
    await journal.write(
        Insert(an_alarm()),
        Insert(an_alarm("later", due_at=START + SECOND)),
        Insert(an_alarm("resting", suspended=True)),
    )
    both = await asyncio.gather(*(alarms.take_due(database, START, 9) for _ in range(2)))
    assert sorted(len(each) for each in both) == [0, 1]
    (taken,) = both[0] or both[1]
    assert (taken.name, taken.due_at) == ("hot", START + 60 * SECOND)
    assert await alarms.next_due(database) == START + SECOND
    with pytest.raises(Fenced):
        await journal.write(Update(Alarm, taken.id, {"state": "OK"}, where={"due_at": START}))
    await journal.write(Update(Alarm, taken.id, {"state": "OK"}, where={"due_at": taken.due_at}))


async def test_an_action_is_taken_again_until_it_is_done(database: Database, journal: Journal) -> None:
    alarm = an_alarm()
    action = AlarmAction(
        id="a",
        alarm_id=alarm.id,
        project_id="p",
        target="https://example.test/?secret",
        message={"state": "alarm"},
        created_at=START,
        due_at=START,
    )
    await journal.write(Insert(alarm), Insert(action))
    assert await alarms.take_actions(database, START, 30 * SECOND, 9, without=["o", "p"]) == []
    (first,) = await alarms.take_actions(database, START, 30 * SECOND, 9)
    assert (first.attempts, first.target, first.message) == (1, action.target, action.message)
    assert await alarms.take_actions(database, START, 30 * SECOND, 9) == []
    assert await alarms.next_action(database) == START + 30 * SECOND
    assert await alarms.has_waiting(database, alarm)
    await journal.write(Update(AlarmAction, "a", {"state": "done"}, where={"state": "pending"}))
    assert not await alarms.has_waiting(database, alarm)
    assert await alarms.next_action(database) is None


async def test_actions_of_projects_that_are_busy_wait(database: Database, journal: Journal) -> None:
    alarm = an_alarm()
    for project in ("p", "q", "r"):
        action = AlarmAction(
            id=project,
            alarm_id=alarm.id,
            project_id=project,
            target="https://example.test/",
            message={},
            created_at=START,
            due_at=START,
        )
        await journal.write(Insert(action))
    taken = await alarms.take_actions(database, START, 30 * SECOND, 9, without=["p", "r"])
    assert [each.project_id for each in taken] == ["q"]
    assert len(await alarms.take_actions(database, START, 30 * SECOND, 9)) == 2


async def test_history_goes_either_way_page_by_page_and_is_purged(
    database: Database, journal: Journal
) -> None:
    def entry(number: int, project: str = "p", kind: str = "StateUpdate") -> Insert:
        time = START + number // 2 * SECOND
        id_ = f"{project}{number}"
        return Insert(
            AlarmHistory(id=id_, project_id=project, alarm_name="hot", kind=kind, time=time, summary="s")
        )

    await journal.write(*(entry(number) for number in range(5)), entry(9, "q"), entry(7, kind="Action"))

    async def ids(limit: int = 9, **wanted: Any) -> list[str]:
        return [each.id for each in await alarms.history(database, "p", HistoryFilter(**wanted), limit)]

    assert await ids() == ["p7", "p4", "p3", "p2", "p1", "p0"]
    assert await ids(2, after=(START + SECOND, "p3")) == ["p2", "p1"]
    assert await ids(newest_first=False, kind="StateUpdate", after=(START, "p0")) == ["p1", "p2", "p3", "p4"]
    assert await ids(start=START + 2 * SECOND) == ["p7", "p4"]
    assert await ids(end=START, alarm_name="hot") == ["p1", "p0"]
    assert await ids(alarm_name="cold") == []
    await alarms.purge(database, history_before=START + 2 * SECOND, actions_before=START)
    assert await ids() == ["p7", "p4"]
