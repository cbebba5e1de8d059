"""What follows a task that has ended: tasks that are queued, commands, or the end of the execution."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.mistral.actions import Outcome
from stackd.devcloud.mistral.expressions import BadExpression
from stackd.devcloud.mistral.language import COMMANDS, required, with_defaults
from stackd.devcloud.mistral.run import ENDED, Run
from stackd.devcloud.mistral.style import stamp, text_of
from stackd.devcloud.store import JSON, Entity

_ENDS: Final = {"fail": "ERROR", "succeed": "SUCCESS"}


def go_on(run: Run, task: Entity, outcome: Outcome) -> None:
    """Publish what a task says, and queue what follows it."""
    if run.state in ENDED:
        return
    spec, good = task.private["spec"], outcome.is_success
    task.private["result"] = outcome.result if good else outcome.error
    published: JSON = {}
    try:
        published = run.value(spec.get("publish" if good else "publish-on-error") or {}, task)
    except BadExpression as error:
        good, task.private["result"] = False, str(error)
    run.private["vars"].update(published)
    reason = None if good else str(task.private["result"])
    values = {"result": text_of(task.private["result"]), "published": text_of(published)}
    run.world.store.update(
        task,
        {
            "state": "SUCCESS" if good else "ERROR", "state_info": reason, "processed": True,
            "updated_at": stamp(run.world.clock()), **values,
        },
    )  # fmt: skip
    _follow(run, task, good, reason)


def _follow(run: Run, task: Entity, good: bool, reason: str | None) -> None:
    name = task.data["name"]
    cases = ("on-success" if good else "on-error", "on-complete")
    chosen = list(run.after(name, cases))
    if not good and not chosen:
        run.end("ERROR", f"Failure caused by error in tasks: {name}\n\n  {name} -> {reason}")
        return
    try:
        for each, condition in chosen:
            if condition is None or run.value(condition, task):
                _reach(run, name, each)
    except BadExpression as error:
        run.end("ERROR", str(error))
        return
    if run.is_reverse:
        _queue_ready(run)


def _reach(run: Run, name: str, following_one: str) -> None:
    """Queue a task that follows another, if all that it waits for are there; or do a command."""
    private = run.private
    if following_one in COMMANDS:
        if following_one == "pause":
            run.change("PAUSED", None)
        elif following_one in _ENDS:
            run.end(_ENDS[following_one], f"Workflow ended by the command {following_one}")
        return
    join = with_defaults(run.spec, following_one).get("join")
    if join is None:
        private["queue"].append(following_one)
        return
    met = private["met"].setdefault(following_one, set())
    met.add(name)
    needed = {"all": run.before(following_one), "one": 1}.get(str(join)) or int(join)
    if len(met) == needed:
        private["queue"].append(following_one)


def _queue_ready(run: Run) -> None:
    done = {each.data["name"] for each in run.tasks() if each.data["state"] == "SUCCESS"}
    known = {each.data["name"] for each in run.tasks()} | set(run.private["queue"])
    run.private["queue"].extend(
        name
        for name in run.wanted()
        if name not in known and done.issuperset(required(with_defaults(run.spec, name)))
    )


def finish(run: Run) -> None:
    """End an execution of which nothing is left; what waits for tasks that never came makes it fail."""
    private = run.private
    if waiting := sorted(private["met"].keys() - private["begun"]):
        run.end("ERROR", f"Tasks wait for others that never came: {', '.join(waiting)}")
        return
    try:
        given = run.spec.get("output")
        output = private["vars"] if given is None else run.value(given, None)
    except BadExpression as error:
        run.end("ERROR", str(error))
        return
    run.end("SUCCESS", None, output)
