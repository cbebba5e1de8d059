"""OS::Heat::UpdateWaitConditionHandle, a handle for signals that each update of the stack expects anew."""

from __future__ import annotations

from stackd.resources.aws.wait_condition_handle import WaitConditionHandle
from stackd.resources.registry import resource_type


@resource_type("OS::Heat::UpdateWaitConditionHandle", since="2014.1")
class UpdateWaitConditionHandle(WaitConditionHandle):
    """Gathers signals as AWS::CloudFormation::WaitConditionHandle does; every update replaces it.

    What waits for it is replaced too, and waits for signals to the new URL.
    """

    replaced_by_updates = True
