"""docker-compose.yml is valid, keeps secrets out, and listens on loopback unless asked otherwise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from stackd.settings import is_secret, keys
from tests.deployment.dockerfile import ROOT, stages

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SCHEMA = json.loads((Path(__file__).parent / "data/compose-spec.json").read_text())
DEMANDED = re.compile(r"\$\{\w+:\?[^}]+\}")
OPTIONAL = re.compile(r"\$\{\w+:-\}")


def test_it_follows_the_compose_specification() -> None:
    jsonschema_rs.validate(SCHEMA, COMPOSE)


def test_the_schema_refuses_what_is_not_compose() -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(SCHEMA, {"services": {"stackd": {"portz": []}}})


def test_every_variable_of_stackd_is_a_setting() -> None:
    assert set(SERVICES["stackd"]["environment"]) <= {key.variable for key in keys()}


def test_secrets_come_from_the_environment_alone() -> None:
    secret = {key.variable for key in keys() if is_secret(key)} | {"POSTGRES_PASSWORD"}
    given = {
        name: value
        for service in SERVICES.values()
        for name, value in service["environment"].items()
        if name in secret
    }
    assert {"POSTGRES_PASSWORD", "STACKD_KEYSTONE__PASSWORD", "STACKD_SECURITY__ENCRYPTION_KEYS"} <= set(
        given
    )
    literal = [
        name for name, value in given.items() if not (DEMANDED.fullmatch(value) or OPTIONAL.fullmatch(value))
    ]
    assert literal == []
    assert DEMANDED.search(SERVICES["stackd"]["environment"]["STACKD_DATABASE__URL"])


def test_ports_are_published_on_loopback_by_default() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("${STACKD_LISTEN:-127.0.0.1}:")] == []


def test_stackd_waits_for_a_healthy_database() -> None:
    assert all("healthcheck" in service for service in SERVICES.values())
    assert SERVICES["stackd"]["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_its_health_check_is_that_of_the_image() -> None:
    assert SERVICES["stackd"]["healthcheck"]["test"][1:] == stages()[-1].last("HEALTHCHECK").exec_form


def test_what_must_last_is_on_volumes() -> None:
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service["volumes"]]
    assert mounts == [["database", "/var/lib/postgresql/data"], ["state", "/var/lib/stackd"]]
    assert set(COMPOSE["volumes"]) == {"database", "state"}
    assert stages()[-1].last("VOLUME").text == "/var/lib/stackd"
