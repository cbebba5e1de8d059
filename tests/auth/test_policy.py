import logging
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from stackd.auth.policy import EVERY_PROJECT, Policy
from stackd.auth.policy_defaults import ADMIN_TYPES, DEFAULT_RULES
from stackd.auth.policy_files import PolicyFileError
from stackd.errors import Forbidden
from stackd.records import Caller

MEMBER = Caller("m", "mia", "p1", roles=("member", "reader"))
READER = Caller("r", "rob", "p1", roles=("reader",))
GUEST = Caller("g", "gus", "p1", roles=("heat_stack_user",))
ADMIN = Caller("a", "ada", "p1", roles=("admin", "manager", "member", "reader"), is_admin_project=True)
DOMAIN_ADMIN = Caller("d", "dan", "", domain_id="d1", roles=("admin", "member", "reader"))


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy()


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("stacks:create", {MEMBER, ADMIN}),
        ("stacks:index", {READER, MEMBER, ADMIN}),
        ("stacks:lookup", {GUEST, READER, MEMBER, ADMIN}),
        ("resource:signal", {GUEST, READER, MEMBER, ADMIN}),
        ("actions:check", {READER, MEMBER, ADMIN}),
        ("actions:suspend", {MEMBER, ADMIN}),
        ("service:index", {ADMIN}),
        ("stacks:update_no_change", {MEMBER, ADMIN}),
        ("cloudformation:CreateStack", {MEMBER, ADMIN}),
        ("stacks:global_index", set()),
        ("context_is_admin", {ADMIN}),
        ("no:such_rule", set()),
    ],
)
def test_roles_may_do_what_the_defaults_say(policy: Policy, rule: str, allowed: set[Caller]) -> None:
    assert {who for who in (GUEST, READER, MEMBER, ADMIN) if policy.allows(who, rule)} == allowed


def test_nobody_reaches_into_another_project(policy: Policy) -> None:
    own_project_only = [rule.name for rule in DEFAULT_RULES if "project_id" in rule.check]
    assert len(own_project_only) > 60
    assert not any(policy.allows(ADMIN, rule, "p2") for rule in own_project_only)


def test_token_for_the_system_is_refused(policy: Policy) -> None:
    assert not policy.allows(replace(MEMBER, system_scope="all"), "stacks:index")


def test_admin_of_another_project_is_no_cloud_admin(policy: Policy) -> None:
    assert policy.is_admin(ADMIN)
    assert not policy.is_admin(replace(ADMIN, is_admin_project=False))


@pytest.mark.parametrize("scope", [{"domain_id": "d1"}, {"system_scope": "all"}, {}])
def test_admin_of_no_project_may_do_nothing_to_stacks(policy: Policy, scope: dict[str, str]) -> None:
    admin = replace(DOMAIN_ADMIN, **{"domain_id": "", **scope})
    of_stacks = [rule.name for rule in DEFAULT_RULES if "project_id" in rule.check]
    for target in (None, "", "p1", EVERY_PROJECT):
        assert not any(policy.allows(admin, rule, target) for rule in of_stacks)
    assert not policy.is_admin(admin)


def test_rule_about_the_own_project_makes_nobody_an_administrator_of_all(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    own = "role:admin and project_id:%(project_id)s"
    file.write_text(f'"context_is_admin": "{own}"\n"stacks:global_index": "{own}"\n')
    policy = Policy(file)
    assert policy.allows(ADMIN, "stacks:global_index")
    assert not policy.is_admin(ADMIN)
    assert not policy.allows(ADMIN, "stacks:global_index", EVERY_PROJECT)


def test_file_says_who_administers_the_cloud(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text('"context_is_admin": "role:admin and project_id:p1"\n')
    policy = Policy(file)
    assert policy.is_admin(replace(ADMIN, is_admin_project=False))
    assert not policy.is_admin(replace(ADMIN, project_id="p2"))


def test_refusal_names_the_rule(policy: Policy) -> None:
    with pytest.raises(Forbidden, match=r"^You are not authorized to use stacks:create\.$"):
        policy.enforce(READER, "stacks:create")
    policy.enforce(MEMBER, "stacks:create")


@pytest.mark.parametrize("kind", ["OS::Nova::Flavor", "OS::Keystone::Project", "OS::Neutron::QoSPolicy"])
def test_types_for_administrators_are_closed_to_members(policy: Policy, kind: str) -> None:
    assert policy.allows_type(ADMIN, kind)
    with pytest.raises(Forbidden, match=f"not authorized to use {kind}"):
        policy.enforce_type(MEMBER, kind)


@pytest.mark.parametrize("kind", ["OS::Nova::Server", "AWS::EC2::Instance", "My::Own::Type", "OneWord"])
def test_other_types_are_open(policy: Policy, kind: str) -> None:
    assert policy.allows_type(MEMBER, kind)


def test_old_defaults_let_anybody_in_but_guests() -> None:
    policy = Policy(old_defaults=True)
    anybody = Caller("x", "x", "p1", roles=("whatever",))
    assert policy.allows(anybody, "stacks:create")
    assert not policy.allows(GUEST, "stacks:create")


def test_file_overrides_rules_and_adds_types(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        '"stacks:create": "role:creator"\n'
        '"resource_types:OS::Nova::*": "role:admin"\n'
        '"stacks:show": "user_name:%(nothing)s or project_id:%(project_id)s"\n'
    )
    policy = Policy(file)
    assert not policy.allows(MEMBER, "stacks:create")
    assert policy.allows(replace(MEMBER, roles=("creator",)), "stacks:create")
    assert not policy.allows_type(MEMBER, "OS::Nova::Server")
    assert policy.allows_type(ADMIN, "OS::Nova::Flavor")
    assert policy.allows(GUEST, "stacks:show")


def test_folder_is_laid_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text('"stacks:create": "role:a"\n')
    folder = tmp_path / "policy.d"
    folder.mkdir()
    (folder / "10.yaml").write_text('"stacks:create": "role:b"\n')
    policy = Policy(tmp_path / "policy.yaml", folder=folder)
    assert policy.allows(replace(MEMBER, roles=("b",)), "stacks:create")
    assert not policy.allows(replace(MEMBER, roles=("a",)), "stacks:create")


@pytest.mark.parametrize(
    "fact",
    [
        "user_id",
        "user_name",
        "project_id",
        "project_name",
        "user_domain_id",
        "project_domain_id",
    ],
)
def test_decision_follows_every_fact_that_a_rule_can_name(tmp_path: Path, fact: str) -> None:
    """Also the name of a project, which changes while its id stays."""
    file = tmp_path / "policy.yaml"
    file.write_text(f'"stacks:index": "{fact}:wanted"\n')
    policy = Policy(file)
    for value in ("other", "wanted", "other"):
        caller: Caller = replace(MEMBER, **{fact: value})
        assert policy.allows(caller, "stacks:index", "p1") is (value == "wanted")


def test_changed_file_is_noticed_within_a_second(tmp_path: Path) -> None:
    file, clock = tmp_path / "policy.yaml", Clock()
    file.write_text('"stacks:create": "!"\n')
    policy = Policy(file, clock=clock)
    assert not policy.allows(MEMBER, "stacks:create")
    file.write_text('"stacks:create": "role:member"\n')
    clock.now = 1.1
    assert policy.allows(MEMBER, "stacks:create")


@pytest.mark.parametrize("text", ["{broken: [", "- just\n- a list\n", '"stacks:create": "http://h/ask"\n'])
def test_broken_change_is_reported_and_not_applied(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file, clock = tmp_path / "policy.yaml", Clock()
    file.write_text('"stacks:create": "!"\n')
    policy = Policy(file, clock=clock)
    file.write_text(text)
    clock.now = 1.1
    with caplog.at_level(logging.ERROR):
        assert not policy.allows(MEMBER, "stacks:create")
    assert "stays as it was" in caplog.text


@pytest.mark.parametrize("check", ["http://h/ask", "role:member and https://h/ask", "not http://h/ask"])
def test_checks_by_another_server_are_refused_at_the_start(tmp_path: Path, check: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f'"stacks:create": "{check}"\n')
    with pytest.raises(PolicyFileError, match="stacks:create asks another server"):
        Policy(file)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match="no policy file"):
        Policy(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("value", "mistake"),
    [
        ('"role:member and ("', "is not an expression"),
        ('"(role:member"', "is not an expression"),
        ('"role:member or"', "is not an expression"),
        ('"role:member role:reader"', "is not an expression"),
        ('"member"', "'member' is not a check"),
        ('"role:member and (reader)"', "'reader' is not a check"),
        ("[[member, 'role:reader']]", "'member' is not a check"),
        ("[[5]]", "5 is not a check"),
        ("5", "a rule is a text"),
        ("true", "a rule is a text"),
        ("{a: b}", "a rule is a text"),
    ],
)
def test_malformed_rule_is_refused_at_the_start(
    value: str, mistake: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f'"stacks:create": {value}\n')
    with pytest.raises(PolicyFileError, match=mistake) as raised:
        Policy(file)
    assert str(raised.value).startswith(f'{file}: "stacks:create": ')
    assert "role:admin" in str(raised.value) or "parentheses" in str(raised.value)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a: b\n c: [", r"policy\.yaml:2:3: the policy file is not valid YAML: .*Correct"),
        ("- a\n- list\n", r"policy\.yaml: the policy file is a list, not a mapping\. Write"),
        ("words", r"policy\.yaml: the policy file is 'words', not a mapping\. Write"),
        ("5: role:admin", r"policy\.yaml: the name of a rule is 5\. Put it in quotes"),
    ],
)
def test_file_that_is_no_mapping_is_refused_at_the_start(text: str, mistake: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(PolicyFileError, match=mistake):
        Policy(file)


@pytest.mark.parametrize(
    "value",
    [
        '""',
        '"@"',
        '"not (role:guest or !)"',
        "\"'member':%(role.name)s or role:member\"",
        "[[], 'role:member', ['role:member', 'role:reader']]",
        "[]",
    ],
)
def test_everything_that_the_library_understands_is_accepted(value: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f'"stacks:create": {value}\n')
    assert Policy(file).allows(MEMBER, "stacks:create")


def test_built_in_rules_have_no_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("".join(f'"{rule.name}": "{rule.check}"\n' for rule in DEFAULT_RULES))
    with capture_logs() as logged:
        Policy(file)
    assert logged == []


def test_rule_that_decides_nothing_is_logged_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        '"stacks:deleet": "role:admin"\n'
        '"volume:retype": "rule:zzz"\n'
        '"creators": "role:creator"\n'
        '"stacks:create": "not rule:creators"\n'
        '"resource_types:OS::Nova::*": "role:admin"\n'
    )
    with capture_logs() as logged:
        Policy(file)
    common = {"event": "policy_rule_unknown", "log_level": "warning", "file": str(file)}
    assert logged == [
        {**common, "rule": "stacks:deleet", "nearest": "stacks:delete"},
        {**common, "rule": "volume:retype", "nearest": ""},
    ]


def test_every_default_is_named_once_and_described() -> None:
    names = [rule.name for rule in DEFAULT_RULES]
    assert len(names) == len(set(names))
    assert all(rule.about.endswith(".") for rule in DEFAULT_RULES)
    assert "OS::Keystone::*" in ADMIN_TYPES
