"""Mistral: workflows, their executions, and the triggers that begin them."""

from __future__ import annotations

from stackd.devcloud.mistral import executions, triggers, workflows
from stackd.devcloud.mistral.style import EXECUTIONS, TASKS, TRIGGERS, WORKFLOWS, fault
from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Reply


def _versions(call: Call) -> Reply:
    target = {"name": "v2", "target": f"{call.base}/v2"}
    version = {
        "id": "v2.0",
        "status": "CURRENT",
        "links": [{"href": target["target"], "rel": "self", **target}],
    }
    return Reply(200, {"versions": [version]})


MISTRAL = Service(
    name="workflow",
    prefix="workflow",
    api="/v2",
    catalog=(("workflowv2", "mistral", "/v2"),),
    fault=fault,
    routes=(*workflows.ROUTES, *executions.ROUTES, *triggers.ROUTES),
    kinds={
        WORKFLOWS: ("name",),
        EXECUTIONS: ("task_execution_id",),
        TASKS: ("workflow_execution_id",),
        TRIGGERS: ("name",),
    },
    versions=_versions,
)
