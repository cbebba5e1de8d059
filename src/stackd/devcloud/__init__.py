"""A simulated OpenStack over HTTP, to try and test stackd against.

It imports nothing of the rest of stackd, and nothing but the command that starts it imports it.
"""

from stackd.devcloud.cloud import DevCloud
from stackd.devcloud.server import serve
from stackd.devcloud.settings import USUAL_QUOTAS, DevCloudSettings

__all__ = ["USUAL_QUOTAS", "DevCloud", "DevCloudSettings", "serve"]
