"""Errors as front ends report them."""

from __future__ import annotations

from stackd.engine.validation.cloud_errors import as_api_error
from stackd.engine.validation.findings import told, wire_type

__all__ = ["as_api_error", "told", "wire_type"]
