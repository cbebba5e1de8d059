"""Sends measurements."""

import logging
import time
from typing import Dict, List, Optional

from stackd_cfntools.instance import Identity
from stackd_cfntools.query import QueryClient
from stackd_cfntools.retries import surely_not_done
from stackd_cfntools.stats.data import Datum

log = logging.getLogger(__name__)

VERSION = "2010-08-01"
SERVICE = "monitoring"
_MOST_DIMENSIONS = 30
_PREFERRED = "metering."


def dimensions(identity: Optional[Identity], alarm: Optional[str]) -> Dict[str, str]:
    """What measurements are of: this server, what its owner calls it, and the alarm that they are for."""
    made = {"AlarmName": alarm} if alarm else {}
    if identity is None:
        return made
    made["InstanceId"] = identity.uuid
    names = sorted(identity.meta, key=lambda name: (not name.startswith(_PREFERRED), name))
    room = _MOST_DIMENSIONS - len(made)
    if len(names) > room:
        log.warning("the metadata items %s are left out: too many", ", ".join(names[room:]))
    made.update((name, identity.meta[name]) for name in names[:room])
    return made


def put(client: QueryClient, namespace: str, data: List[Datum], labels: Dict[str, str], now: float) -> None:
    """Send measurements; they are sent again only if the server surely did not take them."""
    client.call("PutMetricData", params(namespace, data, labels, now), surely_not_done)


def params(namespace: str, data: List[Datum], labels: Dict[str, str], now: float) -> Dict[str, str]:
    """The parameters of the action."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    made = {"Namespace": namespace}
    for number, datum in enumerate(data, 1):
        member = "MetricData.member.{}.".format(number)
        made[member + "MetricName"] = datum.name
        made[member + "Value"] = "{:.6f}".format(datum.value).rstrip("0").rstrip(".")
        made[member + "Unit"] = datum.unit
        made[member + "Timestamp"] = moment
        for place, (name, value) in enumerate(labels.items(), 1):
            label = "{}Dimensions.member.{}.".format(member, place)
            made.update({label + "Name": name, label + "Value": value})
    return made
