"""OS::Glance::Image, retired: an image that the service fetched by a request it no longer knows."""

from __future__ import annotations

from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import resource_type
from stackd.resources.schema import Support

_DEPRECATED = Support(
    "DEPRECATED",
    "8.0.0",
    "Later versions of the image service do not fetch images so; use OS::Glance::WebImage.",
    previous=Support(version="2014.2"),
)


@resource_type("OS::Glance::Image", support=Support("HIDDEN", "22.0.0", previous=_DEPRECATED))
class Image(NoneResource):
    """Takes any properties and does nothing, for old templates."""
