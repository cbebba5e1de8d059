"""The tables.

Times are microseconds since 1970 in UTC, so that both databases order and compare them alike.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, Index, Integer, MetaData, Table, Text, false, text

from stackd.db.columns import SEALED_FORMS, Form, column, form_of, numbered, optional

metadata = MetaData()

documents = Table(
    "documents",
    metadata,
    column("project_id", primary_key=True),
    column("id", primary_key=True),
    column("body", Form.SEALED_TEXT),
    column("created_at", Form.TIME),
)

stacks = Table(
    "stacks",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("name"),
    column("owner"),
    column("user_id"),
    column("action", Form.ACTION),
    column("status", Form.STATUS),
    column("reason", Form.PROSE),
    column("template"),
    column("environment"),
    column("files"),
    optional("previous_template"),
    optional("previous_environment"),
    optional("previous_files"),
    optional("tags", Form.NAMES),
    optional("timeout_mins", kind=Integer),
    column("disable_rollback", Form.FLAG),
    optional("parent_id"),
    optional("parent_resource"),
    column("root_id"),
    column("depth", kind=Integer),
    column("created_at", Form.TIME),
    optional("updated_at", Form.TIME),
    optional("deleted_at", Form.TIME),
    optional("stack_user_project_id"),
    optional("credential_id"),
    optional("operation_id"),
    optional("outputs", Form.SEALED_JSON),
    column("protected", Form.FLAG, server_default=false()),
    optional("policy", Form.PROSE),
    optional("settings", Form.MAP),
    optional("drift_id"),
    # The lease of a root's tree; no part of the record. Every claim raises the epoch.
    column("epoch", kind=BigInteger, server_default=text("0")),
    optional("engine_id"),
    optional("lease_until", Form.TIME),
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
    column("id", primary_key=True),
    column("stack_id"),
    column("root_id"),
    column("name"),
    column("type", Form.NAME),
    column("kind", Form.NAME),
    column("action", Form.ACTION),
    column("status", Form.STATUS),
    column("reason", Form.PROSE),
    optional("physical_id", Form.NAME),
    column("requires", Form.NAMES),
    column("applied_from"),
    column("deletion_policy"),
    optional("external_id", Form.NAME),
    optional("replaces"),
    optional("replaced_by"),
    optional("nested_stack_id"),
    column("created_at", Form.TIME),
    optional("updated_at", Form.TIME),
    optional("metadata", Form.SEALED_MAP),
    optional("properties", Form.SEALED_MAP),
    optional("previous_properties", Form.SEALED_JSON),
    optional("attributes", Form.SEALED_MAP),
    optional("data", Form.SEALED_MAP),
)
Index("resources_stack", resources.c.stack_id, resources.c.name)
Index("resources_root", resources.c.root_id)
Index("resources_nested", resources.c.nested_stack_id)
Index("resources_physical", resources.c.physical_id)

events = Table(
    "events",
    metadata,
    numbered("seq"),
    column("id", unique=True),
    column("stack_id"),
    column("root_id"),
    column("project_id"),
    column("time", Form.TIME),
    column("resource_name"),
    column("resource_type"),
    optional("physical_id"),
    column("action", Form.ACTION),
    column("status", Form.STATUS),
    column("reason", Form.PROSE),
    optional("resource_id"),
    optional("properties", Form.SEALED_JSON),
)
Index("events_stack", events.c.stack_id, events.c.time, events.c.seq)
Index("events_root", events.c.root_id, events.c.seq)

operations = Table(
    "operations",
    metadata,
    column("id", primary_key=True),
    column("stack_id"),
    column("root_id"),
    column("project_id"),
    column("action", Form.ACTION),
    column("state"),
    column("created_at", Form.TIME),
    column("deadline", Form.TIME),
    column("timeout", kind=BigInteger, server_default=text("0")),
    optional("latest_deadline", Form.TIME),
    column("request_id"),
    column("global_request_id", server_default=text("''")),
    optional("options", Form.MAP),
)
Index("operations_root", operations.c.root_id, operations.c.created_at)
Index("operations_state", operations.c.state)

hooks = Table(
    "hooks",
    metadata,
    column("id", primary_key=True),
    column("stack_id"),
    column("root_id"),
    column("resource_id"),
    column("hook"),
    column("operation_id"),
    column("state", Form.HOOK_STATE),
)
Index("hooks_root", hooks.c.root_id)

sinks = Table(
    "sinks",
    metadata,
    column("id", primary_key=True),
    column("cursor", kind=BigInteger),
)

exports = Table(
    "exports",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("name"),
    column("stack_id"),
    column("root_id"),
    column("output"),
    column("offered", Form.FLAG),
    column("revision"),
    column("touched"),
    optional("value", Form.SEALED_JSON),
)
Index("exports_project", exports.c.project_id, exports.c.name)
Index("exports_stack", exports.c.stack_id)
Index("exports_root", exports.c.root_id)

imports = Table(
    "imports",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("name"),
    column("stack_id"),
    column("root_id"),
)
Index("imports_name", imports.c.project_id, imports.c.name)
Index("imports_stack", imports.c.stack_id)
Index("imports_root", imports.c.root_id)

plans = Table(
    "plans",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("stack_id"),
    column("stack_name"),
    column("action", Form.ACTION),
    column("state"),
    column("user_id"),
    column("user_name"),
    column("created_at", Form.TIME),
    column("expires_at", Form.TIME),
    column("template"),
    column("environment"),
    column("files"),
    optional("options", Form.SEALED_MAP),
    optional("fingerprint", Form.MAP),
    optional("content", Form.SEALED_MAP),
)
Index("plans_project", plans.c.project_id, plans.c.created_at)
Index("plans_stack", plans.c.stack_id)
Index("plans_expiry", plans.c.expires_at)

change_sets = Table(
    "change_sets",
    metadata,
    column("id", primary_key=True),
    column("uuid"),
    column("project_id"),
    column("stack_id"),
    column("name"),
    column("kind"),
    column("plan_id"),
    optional("reason", Form.PROSE),
    optional("based_on"),
    column("created_at", Form.TIME),
    optional("content", Form.SEALED_MAP),
)
Index("change_sets_uuid", change_sets.c.uuid)
Index("change_sets_stack", change_sets.c.stack_id, change_sets.c.created_at)

request_tokens = Table(
    "request_tokens",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("stack_id"),
    column("digest"),
    column("created_at", Form.TIME),
)
Index("request_tokens_stack", request_tokens.c.stack_id)
Index("request_tokens_age", request_tokens.c.created_at)

drift_detections = Table(
    "drift_detections",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("stack_id"),
    column("state", Form.DRIFT_STATE),
    column("reason", Form.PROSE),
    optional("names", Form.NAMES),
    column("drifted", kind=Integer),
    column("compared", kind=Integer),
    column("created_at", Form.TIME),
    column("updated_at", Form.TIME),
)
Index("drift_detections_stack", drift_detections.c.stack_id)
Index("drift_detections_state", drift_detections.c.state)

resource_drifts = Table(
    "resource_drifts",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("stack_id"),
    column("name"),
    column("type", Form.NAME),
    optional("physical_id", Form.NAME),
    column("status"),
    optional("reason", Form.PROSE),
    column("checked_at", Form.TIME),
    optional("content", Form.SEALED_MAP),
)
Index("resource_drifts_stack", resource_drifts.c.stack_id, resource_drifts.c.name)

snapshots = Table(
    "snapshots",
    metadata,
    column("id", primary_key=True),
    column("stack_id"),
    column("root_id"),
    column("project_id"),
    optional("name", Form.PROSE),
    column("action", Form.ACTION),
    column("status", Form.STATUS),
    optional("reason", Form.PROSE),
    column("template"),
    column("environment"),
    column("files"),
    column("content"),
    column("created_at", Form.TIME),
    column("updated_at", Form.TIME),
)
Index("snapshots_stack", snapshots.c.stack_id, snapshots.c.created_at)
Index("snapshots_root", snapshots.c.root_id)
Index("snapshots_action", snapshots.c.action, snapshots.c.status)

software_configs = Table(
    "software_configs",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    optional("name", Form.PROSE),
    optional("group", Form.PROSE),
    column("created_at", Form.TIME),
    optional("content", Form.SEALED_MAP),
)
Index("software_configs_project", software_configs.c.project_id, software_configs.c.created_at)

software_deployments = Table(
    "software_deployments",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    optional("user_project_id"),
    column("server_id"),
    column("config_id"),
    optional("action", Form.PROSE),
    optional("status", Form.PROSE),
    optional("status_reason", Form.PROSE),
    column("created_at", Form.TIME),
    optional("updated_at", Form.TIME),
    optional("input_values", Form.SEALED_JSON),
    optional("output_values", Form.SEALED_JSON),
)
Index("software_deployments_project", software_deployments.c.project_id, software_deployments.c.created_at)
Index("software_deployments_guests", software_deployments.c.user_project_id)
Index("software_deployments_server", software_deployments.c.server_id)
Index("software_deployments_config", software_deployments.c.config_id)

metrics = Table(
    "metrics",
    metadata,
    numbered("id"),
    column("project_id"),
    column("identity"),
    column("namespace", Form.PROSE),
    column("name", Form.PROSE),
    column("dimensions", Form.PROSE),
    column("dimensions_digest"),
    column("unit"),
    column("seen_at", Form.TIME),
)
Index("metrics_identity", metrics.c.project_id, metrics.c.identity, unique=True)
Index("metrics_named", metrics.c.project_id, metrics.c.namespace, metrics.c.name, metrics.c.dimensions_digest)
Index("metrics_seen", metrics.c.seen_at)

# Samples of one metric in one second, or in one minute; ``at`` are seconds since 1970.
metric_samples = Table(
    "metric_samples",
    metadata,
    column("metric_id", kind=BigInteger, primary_key=True, autoincrement=False),
    column("at", kind=BigInteger, primary_key=True, autoincrement=False),
    column("count", kind=Float),
    column("total", kind=Float),
    column("lowest", kind=Float),
    column("highest", kind=Float),
    optional("spread", kind=Text),
    sqlite_with_rowid=False,
)

alarms = Table(
    "alarms",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("name", Form.PROSE),
    column("origin"),
    optional("stack_id"),
    optional("resource_id"),
    optional("namespace", Form.PROSE),
    optional("metric_name", Form.PROSE),
    optional("configuration", Form.SEALED_MAP),
    optional("tags", Form.MAP),
    column("actions_enabled", Form.FLAG),
    column("suspended", Form.FLAG),
    column("state"),
    column("reason", Form.PROSE),
    column("reason_data", Form.PROSE),
    column("configured_at", Form.TIME),
    column("updated_at", Form.TIME),
    column("transitioned_at", Form.TIME),
    optional("acted_at", Form.TIME),
    column("interval", kind=Integer),
    column("due_at", Form.TIME),
    column("revision", kind=BigInteger),
)
Index("alarms_project", alarms.c.project_id, alarms.c.name)
Index("alarms_metric", alarms.c.project_id, alarms.c.namespace, alarms.c.metric_name)
Index("alarms_due", alarms.c.suspended, alarms.c.due_at)

alarm_history = Table(
    "alarm_history",
    metadata,
    column("id", primary_key=True),
    column("project_id"),
    column("alarm_name", Form.PROSE),
    column("kind"),
    column("time", Form.TIME),
    column("summary", Form.PROSE),
    optional("data", Form.SEALED_MAP),
)
Index("alarm_history_project", alarm_history.c.project_id, alarm_history.c.time)
Index("alarm_history_alarm", alarm_history.c.project_id, alarm_history.c.alarm_name, alarm_history.c.time)
Index("alarm_history_time", alarm_history.c.time)

alarm_actions = Table(
    "alarm_actions",
    metadata,
    column("id", primary_key=True),
    column("alarm_id"),
    column("project_id"),
    column("target", Form.SEALED_TEXT),
    optional("message", Form.SEALED_MAP),
    column("created_at", Form.TIME),
    column("due_at", Form.TIME),
    column("attempts", kind=Integer),
    column("state"),
)
Index("alarm_actions_due", alarm_actions.c.state, alarm_actions.c.due_at)
Index("alarm_actions_alarm", alarm_actions.c.alarm_id)

ONE_OWNER = frozenset({"exports", "imports", "change_sets", "request_tokens", "resource_drifts", "alarms"})
"""Tables whose ids follow from their content: a conflict on the id means that another writer was first."""

credentials = Table(
    "credentials",
    metadata,
    column("id", primary_key=True),
    column("user_id"),
    column("project_id"),
    column("roles", Form.NAMES),
    column("trust_id", Form.SEALED_TEXT),
    column("created_at", Form.TIME),
    column("state", server_default=text("'standing'")),
    optional("token", Form.SEALED_TEXT),
    optional("expires_at", Form.TIME),
    optional("application", Form.SEALED_TEXT),
    column("enrolled", Form.FLAG, server_default=false()),
)
Index("credentials_user", credentials.c.user_id, credentials.c.project_id)

engines = Table(
    "engines",
    metadata,
    column("id", primary_key=True),
    column("host"),
    column("started_at", Form.TIME),
    column("seen_at", Form.TIME),
    column("report_interval", kind=Integer),
)


def sealed_columns() -> dict[str, tuple[str, ...]]:
    """Table name → the columns with encrypted values, for the rotation of keys and for review."""
    forms = SEALED_FORMS | {Form.NAME}
    found = {
        table.name: tuple(column.name for column in table.columns if form_of(column) in forms)
        for table in metadata.sorted_tables
    }
    return {name: columns for name, columns in found.items() if columns}
