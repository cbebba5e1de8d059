"""Reads alarms, their history and the actions that wait, and takes those that are due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, delete, func, literal, or_, select, update

from stackd.db.codec import AT_ONCE, from_micros, to_micros
from stackd.db.database import Database
from stackd.db.metrics import digest
from stackd.db.tables import alarm_actions, alarm_history, alarms
from stackd.offload import in_turns
from stackd.records import Alarm, AlarmAction, AlarmHistory

_A = alarms.c
_H = alarm_history.c
_W = alarm_actions.c
_MICROS = 1_000_000
_PURGE_HISTORY = delete(alarm_history).where(_H.time < bindparam("before"))
_PURGE_ACTIONS = delete(alarm_actions).where(_W.state != "pending", _W.created_at < bindparam("before"))
_MINE = _A.project_id == bindparam("project")


def alarm_id(project_id: str, name: str) -> str:
    """The id of the alarm of a project with a name: there is one at most."""
    return digest("alarm", project_id, name)


# --- alarms ---------------------------------------------------------------------------------------


async def get(db: Database, project_id: str, name: str) -> Alarm | None:
    """An alarm of a project by its name."""
    return await by_id(db, alarm_id(project_id, name), project_id)


async def by_id(db: Database, id_: str, project_id: str) -> Alarm | None:
    """An alarm of a project."""
    codec = db.codecs.alarms
    statement = db.statements.variant(
        "alarm",
        lambda: select(*(_A[name] for name in codec.columns)).where(_MINE, _A.id == bindparam("id")),
    )
    rows = await db.fetch_statement(statement, {"project": project_id, "id": id_})
    return codec.record(rows[0]) if rows else None


async def count(db: Database, project_id: str) -> int:
    """How many alarms a project has."""
    statement = db.statements.variant(
        ("alarms", "count"), lambda: select(func.count()).select_from(alarms).where(_MINE)
    )
    return int((await db.fetch_statement(statement, {"project": project_id}))[0][0])


async def listed(
    db: Database,
    project_id: str,
    *,
    names: Sequence[str] = (),
    prefix: str = "",
    state: str = "",
    after: str = "",
    limit: int | None = None,
) -> list[Alarm]:
    """Alarms of a project in the order of their names."""
    codec = db.codecs.alarms
    query = select(*(_A[name] for name in codec.columns)).where(_A.project_id == project_id)
    if names:
        query = query.where(_A.id.in_([alarm_id(project_id, name) for name in names]))
    if prefix:
        query = query.where(func.substr(_A.name, 1, len(prefix)) == prefix)  # LIKE may ignore case
    if state:
        query = query.where(_A.state == state)
    if after:
        query = query.where(_A.name > after)
    query = query.order_by(_A.name)
    if limit is not None:
        query = query.limit(limit)
    return await in_turns(codec.record, await db.fetch_once(query), AT_ONCE)


async def of_metric(db: Database, project_id: str, namespace: str, name: str) -> list[Alarm]:
    """The alarms of a project on a metric, with any dimensions."""
    codec = db.codecs.alarms
    statement = db.statements.variant(
        ("alarms", "of metric"),
        lambda: (
            select(*(_A[each] for each in codec.columns))
            .where(_MINE, _A.namespace == bindparam("namespace"), _A.metric_name == bindparam("name"))
            .order_by(_A.name)
        ),
    )
    params = {"project": project_id, "namespace": namespace, "name": name}
    return await in_turns(codec.record, await db.fetch_statement(statement, params), AT_ONCE)


# --- evaluation -----------------------------------------------------------------------------------


async def next_due(db: Database) -> datetime | None:
    """When the next alarm has to be evaluated, of any project."""
    statement = db.statements.variant(
        ("alarms", "next"), lambda: select(func.min(_A.due_at)).where(_A.suspended.is_(False))
    )
    moment = (await db.fetch_statement(statement, {}))[0][0]
    return None if moment is None else from_micros(moment)


async def take_due(db: Database, moment: datetime, most: int) -> list[Alarm]:
    """Take the alarms that are due, of any project, and put off when they are due next.

    Of several processes one gets an alarm. One that dies meanwhile leaves it to whoever comes next time.
    """
    codec = db.codecs.alarms
    due = (
        select(_A.id)
        .where(_A.suspended.is_(False), _A.due_at <= bindparam("now"))
        .order_by(_A.due_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    statement = db.statements.variant(
        ("alarms", "take"),
        lambda: (
            update(alarms)
            .where(_A.id.in_(due.scalar_subquery()), _A.due_at <= bindparam("still"))
            .values(due_at=bindparam("since", type_=BigInteger) + _A.interval * literal(_MICROS, BigInteger))
            .returning(*(_A[name] for name in codec.columns))
        ),
    )
    micros = to_micros(moment)
    params = {"now": micros, "still": micros, "since": micros, "most": most}
    return await in_turns(codec.record, await db.modify_rows(statement, params), AT_ONCE)


# --- actions --------------------------------------------------------------------------------------


async def has_waiting(db: Database, alarm: Alarm) -> bool:
    """Whether an alarm has actions that are not done."""
    statement = db.statements.variant(
        ("alarm actions", "of alarm"),
        lambda: select(_W.id).where(_W.alarm_id == bindparam("alarm"), _W.state == "pending").limit(1),
    )
    return bool(await db.fetch_statement(statement, {"alarm": alarm.id}))


async def next_action(db: Database) -> datetime | None:
    """When the next action has to be carried out, of any project."""
    statement = db.statements.variant(
        ("alarm actions", "next"), lambda: select(func.min(_W.due_at)).where(_W.state == "pending")
    )
    moment = (await db.fetch_statement(statement, {}))[0][0]
    return None if moment is None else from_micros(moment)


async def take_actions(
    db: Database, moment: datetime, retry: timedelta, most: int, *, without: Collection[str] = ()
) -> list[AlarmAction]:
    """Take actions that are due, of all projects but some; unless they are done, they are due again later."""
    codec = db.codecs.alarm_actions
    others: list[Any] = [bindparam(f"not_{number}") for number in range(len(without))]

    def build() -> Any:
        wanted = [_W.state == "pending", _W.due_at <= bindparam("now")]
        if others:
            wanted.append(_W.project_id.not_in(others))
        due = select(_W.id).where(*wanted).order_by(_W.due_at).limit(bindparam("most"))
        taken = due.with_for_update(skip_locked=True).scalar_subquery()
        return (
            update(alarm_actions)
            .where(_W.id.in_(taken), _W.due_at <= bindparam("still"))
            .values(due_at=bindparam("later"), attempts=_W.attempts + 1)
            .returning(*(_W[name] for name in codec.columns))
        )

    micros = to_micros(moment)
    params: dict[str, Any] = {"now": micros, "still": micros, "later": to_micros(moment + retry)}
    params["most"] = most
    params |= {f"not_{number}": project for number, project in enumerate(without)}
    statement = db.statements.variant(("alarm actions", "take", len(without)), build)
    return await in_turns(codec.record, await db.modify_rows(statement, params), AT_ONCE)


# --- history --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which entries of the history are meant. ``after`` is the last one of the page before."""

    alarm_name: str = ""
    kind: str = ""
    start: datetime | None = None
    end: datetime | None = None
    newest_first: bool = True
    after: tuple[datetime, str] | None = None


async def history(db: Database, project_id: str, wanted: HistoryFilter, limit: int) -> list[AlarmHistory]:
    """Entries of the history of a project's alarms."""
    codec = db.codecs.alarm_history
    query = select(*(_H[name] for name in codec.columns)).where(
        _H.project_id == project_id, *_conditions(wanted)
    )
    order = (_H.time.desc(), _H.id.desc()) if wanted.newest_first else (_H.time, _H.id)
    rows = await db.fetch_once(query.order_by(*order).limit(limit))
    return await in_turns(codec.record, rows, AT_ONCE)


def _conditions(wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.alarm_name:
        found.append(_H.alarm_name == wanted.alarm_name)
    if wanted.kind:
        found.append(_H.kind == wanted.kind)
    if wanted.start is not None:
        found.append(_H.time >= to_micros(wanted.start))
    if wanted.end is not None:
        found.append(_H.time <= to_micros(wanted.end))
    if wanted.after is not None:
        moment, last = to_micros(wanted.after[0]), wanted.after[1]
        behind = (_H.time < moment, _H.id < last) if wanted.newest_first else (_H.time > moment, _H.id > last)
        found.append(or_(behind[0], and_(_H.time == moment, behind[1])))
    return found


async def purge(db: Database, *, history_before: datetime, actions_before: datetime) -> None:
    """Remove old history, and actions that are done."""
    await db.modify(_PURGE_HISTORY, {"before": to_micros(history_before)})
    await db.modify(_PURGE_ACTIONS, {"before": to_micros(actions_before)})
