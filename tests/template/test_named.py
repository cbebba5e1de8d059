"""What the constraints that are known by name accept, and their words for what they refuse."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.clients.lookup import DECLARED
from stackd.errors import TemplateError
from stackd.resources.constraints import custom
from stackd.resources.registry import load_registry
from stackd.template import bind_parameters, load_environment, load_template
from stackd.template.cron import cron_problem
from stackd.template.named import FORMS, MAY_BE_EMPTY, ON_REQUEST, QUEUE, named_problem, read_time
from stackd.wording import Complaint
from tests.template.helpers import IDENTITY

HEAT_KNOWS = """
    barbican.container barbican.secret blazar.reservation cinder.backup cinder.qos_specs cinder.snapshot
    cinder.volume cinder.vtype cron_expression designate.zone dns_domain dns_name expiration
    glance.image ip_addr ip_or_cidr ironic.node ironic.portgroup iso_8601 json_string keystone.domain
    keystone.group keystone.project keystone.region keystone.role keystone.service keystone.user
    mac_addr magnum.cluster_template manila.share_network manila.share_snapshot manila.share_type
    mistral.workflow net_cidr neutron.address_scope neutron.flow_classifier neutron.lbaas.listener
    neutron.lbaas.loadbalancer neutron.lbaas.pool neutron.lbaas.provider neutron.network neutron.port
    neutron.port_pair neutron.port_pair_group neutron.qos_policy neutron.router neutron.security_group
    neutron.segment neutron.subnet neutron.subnetpool neutron.taas.tap_flow neutron.taas.tap_service
    nova.flavor nova.host nova.keypair nova.network nova.server octavia.availabilityzone
    octavia.availabilityzoneprofile octavia.flavor octavia.flavorprofile octavia.l7policy
    octavia.listener octavia.loadbalancer octavia.pool rel_dns_name test_constr timezone trove.flavor
    zaqar.queue
"""
RECORDED = json.loads((Path(__file__).parent / "data" / "named.json").read_text())


def said(complaint: Complaint | None) -> str:
    return "" if complaint is None else complaint.sentence()


def test_every_name_that_heat_knows_is_known() -> None:
    load_registry()
    assert {*HEAT_KNOWS.split(), "neutron.address_group", "neutron.floatingip"} == {
        *FORMS,
        QUEUE,
        *ON_REQUEST,
    }


def test_whatever_needs_the_cloud_can_be_looked_up() -> None:
    load_registry()
    assert DECLARED.keys() == ON_REQUEST - FORMS.keys()
    assert DECLARED.keys() > MAY_BE_EMPTY


@pytest.mark.parametrize(("name", "value", "message"), RECORDED, ids=[f"{n}-{v!r}" for n, v, _ in RECORDED])
def test_a_form_is_judged_as_heat_does(name: str, value: str, message: str) -> None:
    assert said(named_problem(name, value)) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mac_addr", "00:11:22:33:44:55\n"),
        ("timezone", "Europe"),
        ("timezone", "x" * 300),
        ("timezone", "a\0b"),
        ("cron_expression", "h h * * *"),
        ("cron_expression", "? ? ? ? ?"),
        ("cron_expression", "1" * 5000 + " * * * *"),
        ("json_string", "[" * 100_000),
        ("iso_8601", "2030-01-01T10:00:00+99:00"),
        ("dns_name", "a" * 256),
    ],
)
def test_what_is_odd_is_refused(name: str, value: str) -> None:
    assert said(named_problem(name, value)).startswith(f"Error validating value '{value}'")


def test_an_expiration_lies_ahead() -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert named_problem("expiration", soon.isoformat()) is None
    past = (soon - timedelta(hours=2)).isoformat()
    assert said(named_problem("expiration", past)).endswith("Expiration time is out of date.")


def test_an_unknown_name_refuses_every_value() -> None:
    assert said(named_problem("no.such", "v")) == '"v" does not validate no.such (constraint not found)'


def test_what_the_cloud_must_say_is_not_judged() -> None:
    load_registry()
    assert named_problem("nova.flavor", "") is None


@given(st.sampled_from(sorted(FORMS)), st.text(max_size=40) | st.integers() | st.booleans())
def test_every_form_judges_every_value(name: str, value: Any) -> None:
    assert isinstance(said(named_problem(name, value)), str)


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_read_to_the_second(moment: datetime) -> None:
    assert read_time(moment.isoformat()) == moment.replace(microsecond=0)


@given(st.lists(st.integers(0, 59), min_size=1, max_size=5), st.integers(1, 59))
def test_minutes_are_lists_of_numbers_and_steps(minutes: list[int], step: int) -> None:
    assert cron_problem(f"{','.join(map(str, minutes))},*/{step} * * * *") == ""


def bind(constraint: dict[str, Any], value: Any, **schema: Any) -> str:
    definition = {"type": "string", "constraints": [constraint], **schema}
    template = load_template({"heat_template_version": "2021-04-16", "parameters": {"p": definition}})
    try:
        bind_parameters(template, load_environment({"parameters": {"p": value}}), IDENTITY)
    except TemplateError as error:
        return error.message
    return ""


def test_parameters_are_held_against_forms() -> None:
    assert bind({"custom_constraint": "ip_addr"}, "10.0.0.1") == ""
    told = "Parameter 'p' is invalid: Error validating value 'x': Invalid IP address"
    assert bind({"custom_constraint": "ip_addr"}, "x") == told
    described = {"custom_constraint": "ip_addr", "description": "An address, please."}
    assert bind(described, "x") == "Parameter 'p' is invalid: An address, please."
    assert "sesame" not in bind({"custom_constraint": "ip_addr"}, "sesame", hidden=True)


def test_what_time_makes_wrong_is_judged_with_the_request_only() -> None:
    """So that neither a rollback nor a restart fails over it."""
    assert bind({"custom_constraint": "expiration"}, "2000-01-01") == ""
    assert custom("expiration").problem("2000-01-01") is None
    assert said(custom("iso_8601").problem("x")) == "Error validating value 'x'"


def test_each_element_of_a_list_is_judged() -> None:
    told = "Parameter 'p' is invalid: Error validating value 'x': Invalid IP address"
    assert bind({"custom_constraint": "ip_addr"}, "10.0.0.1,x", type="comma_delimited_list") == told
