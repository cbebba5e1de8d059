"""What the image promises: no root, no secrets, a health check, signals that arrive, checked downloads."""

from __future__ import annotations

import ast
import re

import pytest

from stackd.settings import keys
from tests.deployment.dockerfile import ROOT, parse, stages

FINAL = stages()[-1]
SECRET = re.compile(r"password|secret|token|_key", re.IGNORECASE)


def test_the_image_does_not_run_as_root() -> None:
    user, _, group = FINAL.last("USER").text.partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_entry_point_and_command_are_no_shell() -> None:
    assert FINAL.last("ENTRYPOINT").exec_form == ["stackd"]
    assert FINAL.last("CMD").exec_form == ["serve"]
    assert FINAL.last("STOPSIGNAL").text == "SIGTERM"


def test_health_check_asks_over_http_with_python() -> None:
    command = FINAL.last("HEALTHCHECK").exec_form
    assert command is not None
    assert command[:2] == ["python", "-c"]
    assert ast.parse(command[2])
    assert "http://127.0.0.1:8004/healthcheck" in command[2]


def test_no_variable_holds_a_secret() -> None:
    names = [name for stage in stages() for name in stage.env]
    assert [name for name in names if SECRET.search(name)] == []
    assert [one.text for stage in stages() for one in stage.all("ARG") if SECRET.search(one.text)] == []


def test_every_variable_of_stackd_is_a_setting() -> None:
    known = {key.variable for key in keys()}
    assert {name for name in FINAL.env if name.startswith("STACKD_")} <= known


def test_what_is_downloaded_is_checked_against_hashes() -> None:
    installs = [
        step
        for stage in stages()
        for one in stage.all("RUN")
        for step in one.text.split("&&")
        if "pip install" in step or "pip wheel" in step
    ]
    assert len(installs) == 4
    safe = ("--require-hashes", "--no-index", "--no-build-isolation")
    assert [step for step in installs if not any(flag in step for flag in safe)] == []


def test_base_images_are_named_with_a_version() -> None:
    assert [stage.image for stage in stages()] == ["python:3.11-slim-bookworm"] * 2


def test_everything_copied_is_in_the_repository_and_let_through() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        word
        for stage in stages()
        for one in stage.all("COPY")
        if "from" not in one.flags
        for word in one.text.split()[:-1]
    ]
    patterns = [re.compile(re.escape(path).replace(r"\*", r"[^/]*") + "(/|$)") for path in allowed]
    assert copied
    for word in copied:
        assert any(pattern.match(word) for pattern in patterns) or any(
            path.startswith(f"{word}/") for path in allowed
        ), word


@pytest.mark.parametrize("word", ["USER", "HEALTHCHECK", "ENTRYPOINT", "VOLUME", "EXPOSE"])
def test_the_last_stage_says_how_it_runs(word: str) -> None:
    assert len(FINAL.all(word)) == 1


def test_parser_joins_lines_and_reads_flags() -> None:
    (stage,) = parse(
        'FROM a:1 AS b\n# note\nCOPY --from=x --chown=1 \\\n  c d\nCMD ["e", "f"]\nENV G=h I="j k"\n'
    )
    assert (stage.image, stage.name) == ("a:1", "b")
    assert stage.last("COPY").flags == {"from": "x", "chown": "1"}
    assert stage.last("COPY").text == "c d"
    assert stage.last("CMD").exec_form == ["e", "f"]
    assert stage.env == {"G": "h", "I": "j k"}
