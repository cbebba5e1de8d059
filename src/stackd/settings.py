"""What an operator can set.

Descriptions of the fields are the reference documentation: ``stackd config --reference`` prints them.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

ENV_PREFIX = "STACKD_"
_CENTURY = {"days": 36_525.0, "hours": 876_600.0, "seconds": 3.15576e9}


class SettingsError(Exception):
    """The configuration is wrong; the message names the place, the key, the value and the remedy."""


def _split(value: object) -> object:
    """A list in an environment variable: JSON, or comma-separated words."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        return json.loads(text)
    return [word.strip() for word in text.split(",") if word.strip()]


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """The networks unchanged, if each of them is valid."""
    for value in values:
        ip_network(value)
    return values


def _encryption_keys(values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """The keys unchanged, if each of them is one."""
    for value in values:
        parse_key(value.get_secret_value())
    return values


def _keystone_url(value: str) -> str:
    """The URL unchanged, if it is empty or one of HTTP."""
    if value and not value.startswith(("http://", "https://")):
        raise ValueError(
            "not a URL of HTTP; set auth_url in [keystone], or STACKD_KEYSTONE__AUTH_URL, to one such as "
            "http://controller:5000/v3, or without an OpenStack use `stackd dev`"
        )
    return value


def _url(value: str) -> str:
    """The URL unchanged, if it is empty or one of HTTP with a host."""
    if value and not re.match(r"https?://[^/?#\s]+[^?#\s]*\Z", value):
        raise ValueError(
            "not a URL of HTTP with a host and no query, such as https://stackd.example.org:8000"
        )
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_networks)]
Keys = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split), AfterValidator(_encryption_keys)]
KeystoneUrl = Annotated[str, AfterValidator(_keystone_url)]
Url = Annotated[str, AfterValidator(_url)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
OrUnlimited = Annotated[int, Field(ge=-1)]


def opt(default: Any, description: str, **bounds: Any) -> Any:
    """A setting: its default, what it is for, and pydantic's bounds on its value."""
    return Field(default, description=description, **bounds)


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    @field_validator("*")
    @classmethod
    def _at_most_a_century(cls, value: object, info: ValidationInfo) -> object:
        """The value unchanged, if it is no duration with which times cannot be computed."""
        unit = (info.field_name or "").rpartition("_")[2]
        if isinstance(value, float) and value > _CENTURY.get(unit, _CENTURY["seconds"]):
            raise ValueError("that is more than a century; write a smaller number")
        return value


class Listener(Section):
    """Where one API listens."""

    enabled: bool = opt(True, "Whether this API is served.")
    host: str = opt("127.0.0.1", "Address to listen on. Use 0.0.0.0 for all interfaces.")
    port: Port = opt(8004, "TCP port to listen on.")
    public_url: Url = opt(
        "",
        "URL under which clients and guests reach this API, for links and signed URLs behind a "
        "proxy. When empty, links are made from the request and signed URLs from host and port.",
    )


class NativeListener(Listener):
    """The native REST API, the one that the catalog lists as `orchestration`."""


class CfnListener(Listener):
    """The CloudFormation-compatible Query API; guests poll and signal here."""

    port: Port = opt(8000, "TCP port to listen on.")
    rollback_by_default: bool = opt(
        False,
        "Whether a creation that fails is rolled back when CreateStack does not say: true is as on AWS, "
        "false as in Heat.",
    )
    require_capabilities: bool = opt(
        False,
        "Whether a template with AWS::IAM types is refused unless the request has CAPABILITY_IAM or "
        "CAPABILITY_NAMED_IAM, as on AWS.",
    )


class CloudWatchListener(Listener):
    """The CloudWatch-compatible Query API."""

    port: Port = opt(8003, "TCP port to listen on.")


class Api(Section):
    """The HTTP servers."""

    proxy_headers: bool = opt(
        False,
        "Whether X-Forwarded-* headers are believed. Only behind a proxy that sets them.",
    )
    cors_origins: Words = opt((), "Origins whose browser pages may call the API; `*` for any.")
    native: NativeListener = NativeListener()
    cfn: CfnListener = CfnListener()
    cloudwatch: CloudWatchListener = CloudWatchListener()


class Database(Section):
    """Where stacks are kept."""

    url: str = opt(
        "sqlite:///stackd.db",
        "`sqlite:///FILE` (an absolute path has four slashes) or `postgresql://USER:PASSWORD@HOST/NAME`.",
        repr=False,
        pattern=r"^(sqlite|postgresql)(\+\w+)?://",
    )
    pool_size: int = opt(10, "Connections kept open to PostgreSQL.", ge=1)
    upgrade_on_start: bool = opt(
        True, "Whether `stackd serve` brings the schema up to date before it starts."
    )


class Keystone(Section):
    """How stackd itself signs in, and where it checks the tokens of others."""

    auth_url: KeystoneUrl = opt("", "Keystone's URL, for example `http://controller:5000/v3`.")
    username: str = opt("heat", "stackd's own user; the one that Heat had will do.")
    password: SecretStr = opt(SecretStr(""), "Password of that user.")
    project_name: str = opt("service", "Project of that user.")
    user_domain_name: str = opt("Default", "Domain of that user.")
    project_domain_name: str = opt("Default", "Domain of that project.")
    region: str = opt("", "Region whose endpoints are used; the first in the catalog when empty.")
    interface: Literal["public", "internal", "admin"] = opt(
        "public", "Kind of endpoint that stackd uses from the catalog."
    )
    cafile: str = opt("", "File of certificates that are trusted for OpenStack's endpoints.")
    insecure: bool = opt(False, "Whether certificates go unchecked. For tests only.")
    token_cache_seconds: float = opt(
        10.0, "How long a validated token is believed before Keystone is asked again.", ge=0
    )
    stack_domain_name: str = opt(
        "",
        "Domain in which users for guests are made; when empty, types that need one are refused.",
    )
    stack_domain_admin: str = opt("", "User who administers that domain.")
    stack_domain_admin_password: SecretStr = opt(SecretStr(""), "Password of that user.")
    trusts_delegated_roles: Words = opt(
        (), "Roles that a stack's trust delegates; all roles of the creator when empty."
    )
    trusts_redelegated: bool = opt(
        False,
        "Whether services that get a token of a trust may make one further trust from it; "
        "Keystone has to allow that, too.",
    )
    enroll_on_first_use: bool = opt(
        False,
        "Whether a trust of a user is made and kept when the user first calls the native API, so that "
        "requests signed with EC2 keys can change stacks without `stackd enroll`.",
    )
    trusts_kept_seconds: float = opt(
        300.0, "How long a user's trust is kept, at least, after the last stack that used it is gone.", ge=0
    )


class Security(Section):
    """Encryption at rest."""

    encryption_keys: Keys = opt(
        (),
        "Keys for secrets at rest, each 32 bytes in URL-safe base64 "
        "(`stackd config --new-key` makes one). The first encrypts, all decrypt, so a new key "
        "goes first. When empty and the database is SQLite, a key file is made beside it.",
    )


class Limits(Section):
    """What one request, stack or project may use at most. Names and defaults are Heat's where it has them."""

    max_template_size: int = opt(524288, "Bytes of one template.", ge=1)
    max_json_body_size: int = opt(1048576, "Bytes of one request body.", ge=1)
    max_nested_stack_depth: Count = opt(5, "How deep stacks may nest; the root is depth 0.")
    max_resources_per_stack: OrUnlimited = opt(
        1000, "Resources in a root stack and all below it; -1 for no limit."
    )
    max_stacks_per_tenant: OrUnlimited = opt(512, "Root stacks in a project; -1 for no limit.")
    max_snapshots_per_stack: OrUnlimited = opt(32, "Snapshots of a stack; -1 for no limit.")
    enable_stack_abandon: bool = opt(
        False, "Whether stacks may be exported with all their secrets, and abandoned."
    )
    enable_stack_adopt: bool = opt(False, "Whether stacks may be made of objects that exist already.")
    max_software_configs_per_tenant: OrUnlimited = opt(
        4096, "Software configurations in a project; -1 for no limit."
    )
    max_software_deployments_per_tenant: OrUnlimited = opt(
        4096, "Software deployments in a project; -1 for no limit."
    )
    stack_action_timeout: int = opt(
        3600, "Seconds an operation may take when the request names no timeout.", ge=1
    )
    action_retry_limit: Count = opt(5, "Times a failed creation of a resource is tried again.")
    error_wait_time: Count = opt(
        240, "Seconds that running resources may go on after another one has failed."
    )
    max_events_per_stack: Count = opt(1000, "Events kept per stack; 0 for no limit.")
    event_purge_batch_size: int = opt(200, "Oldest events dropped at a time above the limit.", ge=1)
    hidden_stack_tags: Words = opt((), "Stacks with one of these tags are left out of lists.")
    heat_stack_user_role: str = opt("heat_stack_user", "Role of the users made for guests.")
    stack_scheduler_hints: bool = opt(
        False, "Whether servers and volumes tell the scheduler which stack and resource they are of."
    )


class Clients(Section):
    """How stackd speaks to OpenStack's services."""

    max_concurrency: int = opt(
        64, "Calls in flight per service and region at most; fewer while a service is slow.", ge=1
    )
    timeout: Seconds = opt(60.0, "Seconds to wait for an answer.")
    retries: Count = opt(4, "Times a call that is safe to repeat is tried again.")


class Egress(Section):
    """Fetching what users name by URL: templates, and the templates in them."""

    allowed_networks: Networks = opt(
        (),
        "Networks that URLs of users may lead to although they are private, loopback or otherwise not of "
        "the Internet, such as `10.1.0.0/16`.",
    )
    denied_networks: Networks = opt(
        (), "Networks that they must not lead to although they are of the Internet; these come first."
    )
    timeout: Seconds = opt(60.0, "Seconds that one URL may take, redirects included.")
    max_redirects: Count = opt(5, "Redirects that are followed.")
    max_files: int = opt(
        200, "Files fetched for one request, from URLs or from a container of Swift.", ge=1, le=9999
    )
    max_bytes: int = opt(4194304, "Bytes fetched from URLs for one request.", ge=1)
    concurrency: int = opt(16, "URLs fetched at the same time.", ge=1)
    cafile: str = opt("", "File of certificates that are trusted; the usual authorities when empty.")


class Engine(Section):
    """How operations are run and shared between processes."""

    lease_seconds: Seconds = opt(
        10.0, "How long a process owns a stack without a sign of life before another takes over."
    )
    poll_min: Seconds = opt(0.1, "Shortest interval, in seconds, at which the cloud is asked for progress.")
    poll_max: Seconds = opt(2.0, "Longest interval, in seconds, at which the cloud is asked for progress.")
    lag_probe: bool = opt(
        False, "Whether the lag of the event loop is measured, logged once a second and at exit."
    )


class Guests(Section):
    """What instances are told about reaching stackd."""

    metadata_url: Url = opt("", "URL of the CFN API as guests see it; `api.cfn.public_url` when empty.")
    watch_url: Url = opt(
        "", "URL of the CloudWatch API as guests see it; `api.cloudwatch.public_url` when empty."
    )
    signed_url_seconds: float = opt(
        0.0,
        "Seconds for which a signed URL for signals is good; 0 for as long as its resource exists.",
        ge=0,
    )


class Metrics(Section):
    """Metrics that are pushed through the CloudWatch API, and alarms on them."""

    retention_hours: float = opt(72.0, "Hours for which samples are kept.", ge=1.0)
    history_days: float = opt(30.0, "Days for which the history of alarms is kept.", gt=0)
    max_metrics_per_project: OrUnlimited = opt(
        20_000, "Metrics of a project, counted by name, dimensions and unit; -1 for no limit."
    )
    max_alarms_per_project: OrUnlimited = opt(1_000, "Alarms of a project; -1 for no limit.")
    lateness_seconds: float = opt(
        60.0,
        "Seconds by which samples may come late. An alarm waits for so long, or for a period if that is "
        "shorter, before it counts a period that is over.",
        ge=0,
    )
    max_body_size: int = opt(1_048_576, "Bytes of a request to the CloudWatch API, decompressed.", ge=1)


class Policy(Section):
    """Who may do what."""

    file: str = opt("", "oslo.policy file with rules that override the built-in defaults.")


class Plugins(Section):
    """Resource types beyond the built-in ones."""

    directories: Words = opt((), "Directories whose Python files declare further resource types.")


class OperatorEnvironment(Section):
    """What applies to every stack below its own environment: mappings of types, defaults of parameters."""

    directory: str = opt(
        "/etc/stackd/environment.d",
        "Directory of environments, all of whose files are read at the start; no other may name templates "
        "of this machine (`file:///…`). The default directory need not exist.",
    )


class Notifications(Section):
    """Notifications of what happens to stacks, for billing and telemetry."""

    driver: Literal["none", "log", "amqp"] = opt(
        "none", "Where they go: nowhere, to the log, or to a message broker (needs the extra `stackd[amqp]`)."
    )
    transport_url: SecretStr = opt(
        SecretStr(""), "The broker, as `rabbit://user:password@host:5672/` or with `amqp(s)://`."
    )
    exchange: str = opt("heat", "Exchange of the broker, as `control_exchange` of oslo.messaging.")
    topics: Words = opt(("notifications",), "Names of queues; `.info` or `.error` is added to each.")
    durable: bool = opt(False, "Whether exchange and queues outlive the broker: `amqp_durable_queues`.")
    publisher_id: str = opt("", "Who sends them; empty for `orchestration.` and the name of this host.")


class Log(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = opt("info", "Least severe level written.")
    format: Literal["console", "json"] = opt("console", "For people, or one JSON object per line.")


chosen_file: ContextVar[Path | None] = ContextVar("chosen_file", default=None)
"""The file that gives values to `Settings`; `configuration.load` chooses it."""


class Settings(BaseSettings):
    """Everything that can be set, as `configuration.load` reads it; arguments beat all other sources."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    api: Api = Api()
    database: Database = Database()
    keystone: Keystone = Keystone()
    security: Security = Security()
    limits: Limits = Limits()
    clients: Clients = Clients()
    egress: Egress = Egress()
    engine: Engine = Engine()
    guests: Guests = Guests()
    metrics: Metrics = Metrics()
    policy: Policy = Policy()
    plugins: Plugins = Plugins()
    environment: OperatorEnvironment = OperatorEnvironment()
    notifications: Notifications = Notifications()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the chosen file."""
        path = chosen_file.get()
        in_file = (TomlConfigSettingsSource(settings_cls, path),) if path else ()
        return (init_settings, env_settings, *in_file)


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its dotted name, its field's description, type, default, and whether it is secret."""

    name: str
    section: type[BaseModel]
    field: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return ENV_PREFIX + self.name.replace(".", "__").upper()


def keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Key]:
    """Every setting there is, in the order of declaration."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield Key(f"{prefix}{name}", model, name)


def is_secret(key: Key) -> bool:
    """Whether the value must never be shown."""
    return "SecretStr" in str(key.section.model_fields[key.field].annotation)


def new_encryption_key() -> str:
    """A fresh random key, as `security.encryption_keys` takes it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def parse_key(key: str) -> None:
    """Raise ValueError, which does not show it, for what is no key."""
    try:
        raw = base64.urlsafe_b64decode(key)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise ValueError("a key is not 32 bytes in URL-safe base64; make one with `stackd config --new-key`")
