"""The names of resources in templates that are made of types: those of Heat, which depend on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS": ("AWS::AutoScaling::ScalingPolicy",),
    "Aodh": (
        "OS::Aodh::Alarm",
        "OS::Aodh::GnocchiAggregationByMetricsAlarm",
        "OS::Aodh::GnocchiAggregationByResourcesAlarm",
        "OS::Aodh::GnocchiResourcesAlarm",
    ),
    "Cinder": (
        "OS::Cinder::EncryptedVolumeType",
        "OS::Cinder::Quota",
        "OS::Cinder::Volume",
        "OS::Cinder::VolumeAttachment",
        "OS::Cinder::VolumeType",
    ),
    "Designate": ("OS::Designate::RecordSet", "OS::Designate::Zone"),
    "Glance": ("OS::Glance::WebImage",),
    "Heat": ("OS::Heat::WaitCondition", "OS::Heat::WaitConditionHandle"),
    "Keystone": (
        "OS::Keystone::Domain",
        "OS::Keystone::Endpoint",
        "OS::Keystone::Group",
        "OS::Keystone::GroupRoleAssignment",
        "OS::Keystone::Project",
        "OS::Keystone::Region",
        "OS::Keystone::Role",
        "OS::Keystone::Service",
        "OS::Keystone::User",
        "OS::Keystone::UserRoleAssignment",
    ),
    "Manila": ("OS::Manila::Share", "OS::Manila::ShareNetwork", "OS::Manila::ShareType"),
    "Mistral": ("OS::Mistral::ExternalResource",),
    "Neutron": ("OS::Neutron::Quota",),
    "Nova": ("OS::Nova::Flavor", "OS::Nova::Quota"),
    "Octavia": ("OS::Octavia::Quota",),
    "S3": ("AWS::S3::Bucket",),
    "Swift": ("OS::Swift::Container",),
    "Trove": ("OS::Trove::Cluster",),
    "Zaqar": ("OS::Zaqar::Queue", "OS::Zaqar::SignedQueueURL", "OS::Zaqar::Subscription"),
}
_OTHERS: Final[dict[str, str]] = {
    "AWS::CloudFormation::Stack": "NestedStack",
    "AWS::CloudWatch::Alarm": "AWS::CloudWatch::Alarm",
    "AWS::EC2::EIP": "ElasticIp",
    "AWS::EC2::EIPAssociation": "ElasticIpAssociation",
    "AWS::RDS::DBInstance": "AWS::RDS::DBInstance",
    "OS::Heat::AutoScalingGroup": "AutoScalingResourceGroup",
    "OS::Heat::None": "NoneResource",
    "OS::Heat::ScalingPolicy": "AutoScalingPolicy",
    "OS::Heat::Stack": "RemoteStack",
}


def _last(name: str) -> str:
    return name.rpartition("::")[2]


_NAMES: Final = _OTHERS | {
    name: prefix + _last(name) for prefix, names in _PREFIXES.items() for name in names
}


def resource_name(type_name: str) -> str:
    """The name of the resource in a template that is made of a type; mostly the last part of the type's."""
    return _NAMES.get(type_name) or _last(type_name)
