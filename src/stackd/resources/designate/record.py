"""OS::Designate::Record, a placeholder."""

from __future__ import annotations

from stackd.resources.designate.retired import retired
from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import resource_type


@resource_type("OS::Designate::Record", support=retired("OS::Designate::RecordSet"))
class Record(NoneResource):
    """Takes any properties and does nothing, for old templates; OS::Designate::RecordSet makes records."""
