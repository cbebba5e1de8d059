"""The actions of CloudFormation, a module for each group of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stackd.cfn_query.actions import Action
from stackd.cfn_query.cloudformation import limits

ACTIONS: Final[Mapping[str, Action]] = {**limits.ACTIONS}
