"""ListExports and ListImports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.codes import VALIDATION, Refused
from stackd.cfn_query.paging import PAGE, marker_of, next_token, page_of
from stackd.cfn_query.params import required
from stackd.engine.usecases import export_queries
from stackd.engine.usecases.arns import stack_arn
from stackd.engine.usecases.export_queries import ExportView


async def list_exports(call: Call) -> Mapping[str, Any]:
    """ListExports: what the stacks of the project offer to each other."""
    found = await export_queries.listed(
        call.engine, call.caller, after=marker_of(call), limit=PAGE, rule=call.rule
    )
    token = next_token(call, found[-1].export.name) if len(found) == PAGE else None
    return {"Exports": [_shown(each) for each in found], "NextToken": token}


async def list_imports(call: Call) -> Mapping[str, Any]:
    """ListImports: the names of the stacks that use an export."""
    name = required(call.params, "ExportName")
    found = await export_queries.importers(call.engine, call.caller, name, rule=call.rule)
    if not found:
        raise Refused(VALIDATION, f"Export '{name}' is not imported by any stack.")
    page, token = page_of(call, found, found, name)
    return {"Imports": list(page), "NextToken": token}


def _shown(view: ExportView) -> dict[str, Any]:
    value = view.export.value
    return {
        "ExportingStackId": stack_arn(view.stack),
        "Name": view.export.name,
        "Value": value if isinstance(value, str) else orjson.dumps(value).decode(),
    }


ACTIONS = table(Action("ListExports", list_exports), Action("ListImports", list_imports))
