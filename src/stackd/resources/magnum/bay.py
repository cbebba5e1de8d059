"""OS::Magnum::Bay, a placeholder."""

from __future__ import annotations

from stackd.resources.heat.none import NoneResource
from stackd.resources.magnum.retired import retired
from stackd.resources.registry import resource_type


@resource_type("OS::Magnum::Bay", support=retired("OS::Magnum::Cluster", "6.0.0"))
class Bay(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Magnum::Cluster makes clusters."""
