"""Where the files are that the tools share with images, templates and other agents."""

CREDENTIALS = "/etc/cfn/cfn-credentials"
HUP_CONFIG = "/etc/cfn/cfn-hup.conf"
HOOKS_FILE = "/etc/cfn/hooks.conf"
HOOKS_DIRECTORY = "/etc/cfn/hooks.d"
HUP_STATE = "/var/lib/cfn-hup/state.json"
HUP_LOCK = "/var/run/cfn-hup.lock"
HUP_PID = "/var/run/cfn-hup.pid"

DATA = ("/var/lib/heat-cfntools", "/var/lib/cloud/data")
"""Where user data is unpacked: by today's server, and by older ones."""

INIT_DATA = "cfn-init-data"
METADATA_SERVER = "cfn-metadata-server"
WATCH_SERVER = "cfn-watch-server"
BOTO_CONFIG = "cfn-boto-cfg"
BOTO_CONFIGS = ("/etc/boto.cfg",)

CACHE = "/var/cache/heat-cfntools"
LAST_METADATA = CACHE + "/last_metadata"
NOVA_METADATA = "/var/lib/heat-cfntools/nova_meta.json"
COLLECTED = ("/var/lib/os-collect-config/cfn.json", "/var/lib/os-collect-config/heat_local.json")
HAPROXY_SOCKET = "/tmp/.haproxy-stats"  # noqa: S108  # where the load balancer's configuration puts it
LOGS = "/var/log"


def last_metadata_of(resource: str) -> str:
    """The copy of the metadata that one resource had last."""
    return LAST_METADATA + "_" + resource.replace("/", "_")
