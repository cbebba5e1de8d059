"""OS::Heat::HARestarter, retired: what replaced a broken server when it was signalled."""

from __future__ import annotations

from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import resource_type
from stackd.resources.schema import Support

_RETIRED = Support("HIDDEN", "10.0.0", previous=Support("DEPRECATED", "2015.1"))


@resource_type("OS::Heat::HARestarter", support=_RETIRED)
class HARestarter(NoneResource):
    """Takes any properties and does nothing, for old templates.

    A check, or a resource that is marked as broken, has the next update replace what does not work.
    """
