"""OS::Magnum::BayModel, the former name of cluster templates."""

from __future__ import annotations

from stackd.resources.magnum.cluster_template import ClusterTemplate
from stackd.resources.magnum.retired import retired
from stackd.resources.registry import resource_type


@resource_type("OS::Magnum::BayModel", support=retired("OS::Magnum::ClusterTemplate", "5.0.0"))
class BayModel(ClusterTemplate):
    """The former name of OS::Magnum::ClusterTemplate, which takes over its objects."""

    former_names = ()
