"""What is allowed in a template but probably not meant: rules, each a small pure function in a table."""

from __future__ import annotations

from stackd.lint.subject import Issue, Problem, Rule, Severity, Subject
from stackd.lint.table import RULES, lint

__all__ = ["RULES", "Issue", "Problem", "Rule", "Severity", "Subject", "lint"]
