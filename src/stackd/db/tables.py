"""The tables, and the stored form of each column.

``FORM`` in a column's ``info`` is how a record's field is converted to the column and back (``codec.py``
does it). Only the forms that begin with ``SEALED`` may contain secrets: they are encrypted
before they reach the database; of the form ``NAME`` are ids, encrypted only where they are ``Hidden``.
Times are microseconds since 1970 in UTC, so that both databases order and compare them alike.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.types import TypeEngine


class Form(enum.Enum):
    """The stored form of a record's field in its column."""

    PLAIN = enum.auto()
    NAME = enum.auto()  # text, encrypted if it is ``Hidden``
    PROSE = enum.auto()  # text written by people and services: what a database cannot keep is replaced
    FLAG = enum.auto()
    TIME = enum.auto()
    ACTION = enum.auto()
    STATUS = enum.auto()
    HOOK_STATE = enum.auto()
    DRIFT_STATE = enum.auto()
    NAMES = enum.auto()  # tuple of strings as a JSON array; NULL is None
    MAP = enum.auto()  # mapping as JSON; NULL is the empty mapping
    SEALED_TEXT = enum.auto()
    SEALED_MAP = enum.auto()  # NULL is the empty mapping
    SEALED_JSON = enum.auto()  # NULL is None


SEALED_FORMS = frozenset({Form.SEALED_TEXT, Form.SEALED_MAP, Form.SEALED_JSON})

# A field that is a Definition is three columns: template, environment and files.
DEFINITION_COLUMNS = {
    "definition": ("template", "environment", "files"),
    "previous": ("previous_template", "previous_environment", "previous_files"),
}

# The column that the database fills: the order of events.
ASSIGNED = "seq"

_TYPES: dict[Form, type[TypeEngine[Any]]] = {
    Form.PROSE: Text,
    Form.FLAG: Boolean,
    Form.TIME: BigInteger,
    Form.ACTION: String,
    Form.STATUS: String,
    Form.HOOK_STATE: String,
    Form.DRIFT_STATE: String,
    Form.NAMES: Text,
    Form.MAP: Text,
    Form.SEALED_TEXT: LargeBinary,
    Form.SEALED_MAP: LargeBinary,
    Form.SEALED_JSON: LargeBinary,
}

metadata = MetaData()


def _col(
    name: str, form: Form = Form.PLAIN, kind: type[TypeEngine[Any]] = String, **options: Any
) -> Column[Any]:
    options.setdefault("nullable", False)
    return Column(name, _TYPES.get(form, kind), info={"form": form}, **options)


def _optional(name: str, form: Form = Form.PLAIN, kind: type[TypeEngine[Any]] = String) -> Column[Any]:
    return _col(name, form, kind, nullable=True)


documents = Table(
    "documents",
    metadata,
    _col("project_id", primary_key=True),
    _col("id", primary_key=True),
    _col("body", Form.SEALED_TEXT),
    _col("created_at", Form.TIME),
)

stacks = Table(
    "stacks",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("name"),
    _col("owner"),
    _col("user_id"),
    _col("action", Form.ACTION),
    _col("status", Form.STATUS),
    _col("reason", Form.PROSE),
    _col("template"),
    _col("environment"),
    _col("files"),
    _optional("previous_template"),
    _optional("previous_environment"),
    _optional("previous_files"),
    _optional("tags", Form.NAMES),
    _optional("timeout_mins", kind=Integer),
    _col("disable_rollback", Form.FLAG),
    _optional("parent_id"),
    _optional("parent_resource"),
    _col("root_id"),
    _col("depth", kind=Integer),
    _col("created_at", Form.TIME),
    _optional("updated_at", Form.TIME),
    _optional("deleted_at", Form.TIME),
    _optional("stack_user_project_id"),
    _optional("credential_id"),
    _optional("operation_id"),
    _optional("outputs", Form.SEALED_JSON),
    _col("protected", Form.FLAG, server_default=false()),
    _optional("policy", Form.PROSE),
    _optional("settings", Form.MAP),
    _optional("drift_id"),
    # The lease of a root's tree; no part of the record. Every claim raises the epoch.
    _col("epoch", kind=BigInteger, server_default=text("0")),
    _optional("engine_id"),
    _optional("lease_until", Form.TIME),
)
LEASE_COLUMNS = frozenset({"epoch", "engine_id", "lease_until"})

LIVE = text("deleted_at IS NULL")
_LIVE_ROOTS = text("parent_id IS NULL AND deleted_at IS NULL")
LIVE_NAME_INDEX = "stacks_live_name"

Index(
    LIVE_NAME_INDEX,
    stacks.c.project_id,
    stacks.c.name,
    unique=True,
    sqlite_where=LIVE,
)
Index(
    "stacks_live_roots",
    stacks.c.project_id,
    stacks.c.created_at,
    stacks.c.id,
    sqlite_where=_LIVE_ROOTS,
)
Index("stacks_parent", stacks.c.parent_id)
Index("stacks_root", stacks.c.root_id)
Index("stacks_credential", stacks.c.credential_id)
Index("stacks_deleted", stacks.c.deleted_at)
Index("stacks_users", stacks.c.stack_user_project_id)
Index("stacks_engine", stacks.c.engine_id)

resources = Table(
    "resources",
    metadata,
    _col("id", primary_key=True),
    _col("stack_id"),
    _col("root_id"),
    _col("name"),
    _col("type", Form.NAME),
    _col("kind", Form.NAME),
    _col("action", Form.ACTION),
    _col("status", Form.STATUS),
    _col("reason", Form.PROSE),
    _optional("physical_id", Form.NAME),
    _col("requires", Form.NAMES),
    _col("applied_from"),
    _col("deletion_policy"),
    _optional("external_id", Form.NAME),
    _optional("replaces"),
    _optional("replaced_by"),
    _optional("nested_stack_id"),
    _col("created_at", Form.TIME),
    _optional("updated_at", Form.TIME),
    _optional("metadata", Form.SEALED_MAP),
    _optional("properties", Form.SEALED_MAP),
    _optional("previous_properties", Form.SEALED_JSON),
    _optional("attributes", Form.SEALED_MAP),
    _optional("data", Form.SEALED_MAP),
)
Index("resources_stack", resources.c.stack_id, resources.c.name)
Index("resources_root", resources.c.root_id)
Index("resources_nested", resources.c.nested_stack_id)
Index("resources_physical", resources.c.physical_id)

events = Table(
    "events",
    metadata,
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
        info={"form": Form.PLAIN},
    ),
    _col("id", unique=True),
    _col("stack_id"),
    _col("root_id"),
    _col("project_id"),
    _col("time", Form.TIME),
    _col("resource_name"),
    _col("resource_type"),
    _optional("physical_id"),
    _col("action", Form.ACTION),
    _col("status", Form.STATUS),
    _col("reason", Form.PROSE),
    _optional("resource_id"),
    _optional("properties", Form.SEALED_JSON),
)
Index("events_stack", events.c.stack_id, events.c.time, events.c.seq)
Index("events_root", events.c.root_id, events.c.seq)

operations = Table(
    "operations",
    metadata,
    _col("id", primary_key=True),
    _col("stack_id"),
    _col("root_id"),
    _col("project_id"),
    _col("action", Form.ACTION),
    _col("state"),
    _col("created_at", Form.TIME),
    _col("deadline", Form.TIME),
    _col("timeout", kind=BigInteger, server_default=text("0")),
    _optional("latest_deadline", Form.TIME),
    _col("request_id"),
    _col("global_request_id", server_default=text("''")),
    _optional("options", Form.MAP),
)
Index("operations_root", operations.c.root_id, operations.c.created_at)
Index("operations_state", operations.c.state)

hooks = Table(
    "hooks",
    metadata,
    _col("id", primary_key=True),
    _col("stack_id"),
    _col("root_id"),
    _col("resource_id"),
    _col("hook"),
    _col("operation_id"),
    _col("state", Form.HOOK_STATE),
)
Index("hooks_root", hooks.c.root_id)

sinks = Table(
    "sinks",
    metadata,
    _col("id", primary_key=True),
    _col("cursor", kind=BigInteger),
)

exports = Table(
    "exports",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("name"),
    _col("stack_id"),
    _col("root_id"),
    _col("output"),
    _col("offered", Form.FLAG),
    _col("revision"),
    _col("touched"),
    _optional("value", Form.SEALED_JSON),
)
Index("exports_project", exports.c.project_id, exports.c.name)
Index("exports_stack", exports.c.stack_id)
Index("exports_root", exports.c.root_id)

imports = Table(
    "imports",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("name"),
    _col("stack_id"),
    _col("root_id"),
)
Index("imports_name", imports.c.project_id, imports.c.name)
Index("imports_stack", imports.c.stack_id)
Index("imports_root", imports.c.root_id)

plans = Table(
    "plans",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("stack_id"),
    _col("stack_name"),
    _col("action", Form.ACTION),
    _col("state"),
    _col("user_id"),
    _col("user_name"),
    _col("created_at", Form.TIME),
    _col("expires_at", Form.TIME),
    _col("template"),
    _col("environment"),
    _col("files"),
    _optional("options", Form.SEALED_MAP),
    _optional("fingerprint", Form.MAP),
    _optional("content", Form.SEALED_MAP),
)
Index("plans_project", plans.c.project_id, plans.c.created_at)
Index("plans_stack", plans.c.stack_id)
Index("plans_expiry", plans.c.expires_at)

change_sets = Table(
    "change_sets",
    metadata,
    _col("id", primary_key=True),
    _col("uuid"),
    _col("project_id"),
    _col("stack_id"),
    _col("name"),
    _col("kind"),
    _col("plan_id"),
    _optional("reason", Form.PROSE),
    _optional("based_on"),
    _col("created_at", Form.TIME),
    _optional("content", Form.SEALED_MAP),
)
Index("change_sets_uuid", change_sets.c.uuid)
Index("change_sets_stack", change_sets.c.stack_id, change_sets.c.created_at)

request_tokens = Table(
    "request_tokens",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("stack_id"),
    _col("digest"),
    _col("created_at", Form.TIME),
)
Index("request_tokens_stack", request_tokens.c.stack_id)
Index("request_tokens_age", request_tokens.c.created_at)

drift_detections = Table(
    "drift_detections",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("stack_id"),
    _col("state", Form.DRIFT_STATE),
    _col("reason", Form.PROSE),
    _optional("names", Form.NAMES),
    _col("drifted", kind=Integer),
    _col("compared", kind=Integer),
    _col("created_at", Form.TIME),
    _col("updated_at", Form.TIME),
)
Index("drift_detections_stack", drift_detections.c.stack_id)
Index("drift_detections_state", drift_detections.c.state)

resource_drifts = Table(
    "resource_drifts",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("stack_id"),
    _col("name"),
    _col("type", Form.NAME),
    _optional("physical_id", Form.NAME),
    _col("status"),
    _optional("reason", Form.PROSE),
    _col("checked_at", Form.TIME),
    _optional("content", Form.SEALED_MAP),
)
Index("resource_drifts_stack", resource_drifts.c.stack_id, resource_drifts.c.name)

snapshots = Table(
    "snapshots",
    metadata,
    _col("id", primary_key=True),
    _col("stack_id"),
    _col("root_id"),
    _col("project_id"),
    _optional("name", Form.PROSE),
    _col("action", Form.ACTION),
    _col("status", Form.STATUS),
    _optional("reason", Form.PROSE),
    _col("template"),
    _col("environment"),
    _col("files"),
    _col("content"),
    _col("created_at", Form.TIME),
    _col("updated_at", Form.TIME),
)
Index("snapshots_stack", snapshots.c.stack_id, snapshots.c.created_at)
Index("snapshots_root", snapshots.c.root_id)
Index("snapshots_action", snapshots.c.action, snapshots.c.status)
software_configs = Table(
    "software_configs",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _optional("name", Form.PROSE),
    _optional("group", Form.PROSE),
    _col("created_at", Form.TIME),
    _optional("content", Form.SEALED_MAP),
)
Index("software_configs_project", software_configs.c.project_id, software_configs.c.created_at)

software_deployments = Table(
    "software_deployments",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _optional("user_project_id"),
    _col("server_id"),
    _col("config_id"),
    _optional("action", Form.PROSE),
    _optional("status", Form.PROSE),
    _optional("status_reason", Form.PROSE),
    _col("created_at", Form.TIME),
    _optional("updated_at", Form.TIME),
    _optional("input_values", Form.SEALED_JSON),
    _optional("output_values", Form.SEALED_JSON),
)
Index("software_deployments_project", software_deployments.c.project_id, software_deployments.c.created_at)
Index("software_deployments_guests", software_deployments.c.user_project_id)
Index("software_deployments_server", software_deployments.c.server_id)
Index("software_deployments_config", software_deployments.c.config_id)

_NUMBERED = BigInteger().with_variant(Integer, "sqlite")

metrics = Table(
    "metrics",
    metadata,
    Column("id", _NUMBERED, primary_key=True, autoincrement=True, info={"form": Form.PLAIN}),
    _col("project_id"),
    _col("identity"),
    _col("namespace", Form.PROSE),
    _col("name", Form.PROSE),
    _col("dimensions", Form.PROSE),
    _col("dimensions_digest"),
    _col("unit"),
    _col("seen_at", Form.TIME),
)
Index("metrics_identity", metrics.c.project_id, metrics.c.identity, unique=True)
Index("metrics_named", metrics.c.project_id, metrics.c.namespace, metrics.c.name, metrics.c.dimensions_digest)
Index("metrics_seen", metrics.c.seen_at)

# Samples of one metric in one second, or in one minute; ``at`` are seconds since 1970.
metric_samples = Table(
    "metric_samples",
    metadata,
    _col("metric_id", kind=BigInteger, primary_key=True, autoincrement=False),
    _col("at", kind=BigInteger, primary_key=True, autoincrement=False),
    _col("count", kind=Float),
    _col("total", kind=Float),
    _col("lowest", kind=Float),
    _col("highest", kind=Float),
    Column("spread", Text, nullable=True, info={"form": Form.PLAIN}),
    sqlite_with_rowid=False,
)

alarms = Table(
    "alarms",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("name", Form.PROSE),
    _col("origin"),
    _optional("stack_id"),
    _optional("resource_id"),
    _optional("namespace", Form.PROSE),
    _optional("metric_name", Form.PROSE),
    _optional("configuration", Form.SEALED_MAP),
    _optional("tags", Form.MAP),
    _col("actions_enabled", Form.FLAG),
    _col("suspended", Form.FLAG),
    _col("state"),
    _col("reason", Form.PROSE),
    _col("reason_data", Form.PROSE),
    _col("configured_at", Form.TIME),
    _col("updated_at", Form.TIME),
    _col("transitioned_at", Form.TIME),
    _optional("acted_at", Form.TIME),
    _col("interval", kind=Integer),
    _col("due_at", Form.TIME),
    _col("revision", kind=BigInteger),
)
Index("alarms_project", alarms.c.project_id, alarms.c.name)
Index("alarms_metric", alarms.c.project_id, alarms.c.namespace, alarms.c.metric_name)
Index("alarms_due", alarms.c.suspended, alarms.c.due_at)

alarm_history = Table(
    "alarm_history",
    metadata,
    _col("id", primary_key=True),
    _col("project_id"),
    _col("alarm_name", Form.PROSE),
    _col("kind"),
    _col("time", Form.TIME),
    _col("summary", Form.PROSE),
    _optional("data", Form.SEALED_MAP),
)
Index("alarm_history_project", alarm_history.c.project_id, alarm_history.c.time)
Index("alarm_history_alarm", alarm_history.c.project_id, alarm_history.c.alarm_name, alarm_history.c.time)
Index("alarm_history_time", alarm_history.c.time)

alarm_actions = Table(
    "alarm_actions",
    metadata,
    _col("id", primary_key=True),
    _col("alarm_id"),
    _col("project_id"),
    _col("target", Form.SEALED_TEXT),
    _optional("message", Form.SEALED_MAP),
    _col("created_at", Form.TIME),
    _col("due_at", Form.TIME),
    _col("attempts", kind=Integer),
    _col("state"),
)
Index("alarm_actions_due", alarm_actions.c.state, alarm_actions.c.due_at)
Index("alarm_actions_alarm", alarm_actions.c.alarm_id)

ONE_OWNER = frozenset({"exports", "imports", "change_sets", "request_tokens", "resource_drifts", "alarms"})
"""Tables whose ids follow from their content: a conflict on the id means that another writer was first."""

credentials = Table(
    "credentials",
    metadata,
    _col("id", primary_key=True),
    _col("user_id"),
    _col("project_id"),
    _col("roles", Form.NAMES),
    _col("trust_id", Form.SEALED_TEXT),
    _col("created_at", Form.TIME),
    _col("state", server_default=text("'standing'")),
    _optional("token", Form.SEALED_TEXT),
    _optional("expires_at", Form.TIME),
    _optional("application", Form.SEALED_TEXT),
    _col("enrolled", Form.FLAG, server_default=false()),
)
Index("credentials_user", credentials.c.user_id, credentials.c.project_id)

engines = Table(
    "engines",
    metadata,
    _col("id", primary_key=True),
    _col("host"),
    _col("started_at", Form.TIME),
    _col("seen_at", Form.TIME),
    _col("report_interval", kind=Integer),
)


def form_of(column: Column[Any]) -> Form:
    """The stored form of ``column``."""
    form = column.info["form"]
    assert isinstance(form, Form)
    return form


def sealed_columns() -> dict[str, tuple[str, ...]]:
    """Table name → the columns with encrypted values, for the rotation of keys and for review."""
    forms = SEALED_FORMS | {Form.NAME}
    found = {
        table.name: tuple(column.name for column in table.columns if form_of(column) in forms)
        for table in metadata.sorted_tables
    }
    return {name: columns for name, columns in found.items() if columns}
