"""The texts of errors as clients of AWS APIs read them."""

from __future__ import annotations

import pytest

from stackd.cfn_query.errors import described
from stackd.errors import TemplateError
from stackd.wording import Reason, with_remedy

RANGE = "5 is out of range (min: 1, max: None)"


def test_remedy_is_a_sentence_of_its_own() -> None:
    error = TemplateError(Reason.OUT_OF_RANGE(value=5, min=1, max=None), remedy="Give a number that fits.")
    assert described(error)[1] == f"{RANGE}. Give a number that fits."
    assert described(error.but(remedy=""))[1] == RANGE


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("No.", "No. Go."),
        ("Is it?", "Is it? Go."),
        ('no "a"', 'no "a". Go.'),
        ("line:\n  a: [\n     ^", "line:\n  a: [\n     ^\nGo."),
    ],
)
def test_message_and_remedy_are_one_text(message: str, text: str) -> None:
    assert with_remedy(message, "Go.") == text
