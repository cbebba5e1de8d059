"""Errors as front ends report them."""

from __future__ import annotations

from stackd.engine.validation.cloud_errors import as_api_error
from stackd.engine.validation.findings import as_findings, wire_type

__all__ = ["as_api_error", "as_findings", "wire_type"]
