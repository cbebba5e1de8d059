"""cfn-push-stats: measures this machine and sends the metrics, for alarms to watch."""

import argparse
from typing import Dict, List, Tuple

from stackd_cfntools import credentials, instance
from stackd_cfntools.errors import ToolError
from stackd_cfntools.programs import options, program
from stackd_cfntools.programs.clients import cloudwatch_client
from stackd_cfntools.stats import haproxy, measures, push
from stackd_cfntools.stats.data import SIZES, Datum, unit_of
from stackd_cfntools.system import System

_LINUX, _BALANCER = "system/linux", "AWS/ELB"
_FLAGS = (
    ("--service-failure", "a service had to be started again"),
    ("--heartbeat", "this machine is alive"),
    ("--mem-util", "memory in use, in percent"),
    ("--mem-used", "memory in use"),
    ("--mem-avail", "memory available"),
    ("--swap-util", "swap in use, in percent"),
    ("--swap-used", "swap in use"),
    ("--disk-space-util", "disk in use, in percent"),
    ("--disk-space-used", "disk in use"),
    ("--disk-space-avail", "disk available"),
    ("--cpu-util", "processors in use, in percent of one second"),
    ("--haproxy", "requests, answers, servers and latency of the load balancer"),
    ("--haproxy-latency", "latency of the load balancer"),
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="cfn-push-stats", description=__doc__)
    options.add_verbose(made)
    options.add_credential_file(made)
    options.add_server(made)
    for flag, text in _FLAGS:
        made.add_argument(flag, action="store_true", help=text)
    for name in ("--memory-units", "--disk-units"):
        made.add_argument(name, choices=sorted(SIZES), default="megabytes", help="(megabytes)")
    made.add_argument("--disk-path", default="/", help="a path on the disk (/)")
    made.add_argument("--watch", metavar="NAME", help="name of the alarm that the metrics are for")
    made.add_argument("--metric", help="name of a metric of your own")
    made.add_argument("--units", help="its unit")
    made.add_argument("--value", type=float, help="its value")
    return made


def work(system: System, arguments: argparse.Namespace) -> int:
    """Measure and send."""
    found = measured(system, arguments)
    if not found:
        raise ToolError("there is nothing to send: give an option such as --mem-util")
    key = credentials.required(system, options.given_credentials(arguments))
    client = cloudwatch_client(system, arguments, key)
    labels = push.dimensions(instance.identity(system), arguments.watch)
    for namespace, data in found.items():
        push.put(client, namespace, data, labels, system.now())
    return 0


def measured(system: System, arguments: argparse.Namespace) -> Dict[str, List[Datum]]:
    """What was asked for, by its namespace."""
    made = {_LINUX: _machine(system, arguments), _BALANCER: _balancer(system, arguments)}
    return {namespace: data for namespace, data in made.items() if data}


def _machine(system: System, arguments: argparse.Namespace) -> List[Datum]:
    parts = (_events, _memory, _swap, _disk, _processor, _own)
    return [datum for part in parts for datum in part(system, arguments)]


def _events(system: System, arguments: argparse.Namespace) -> List[Datum]:
    known = (("ServiceFailure", arguments.service_failure), ("Heartbeat", arguments.heartbeat))
    return [Datum(name, 1.0, "Count") for name, asked in known if asked]


def _memory(system: System, arguments: argparse.Namespace) -> List[Datum]:
    if not (arguments.mem_util or arguments.mem_used or arguments.mem_avail):
        return []
    total, spare = measures.memory(system)
    units = arguments.memory_units
    return _chosen([
        (arguments.mem_util, Datum("MemoryUtilization", measures.percent(total - spare, total), "Percent")),
        (arguments.mem_used, measures.sized("MemoryUsed", total - spare, units)),
        (arguments.mem_avail, measures.sized("MemoryAvailable", spare, units)),
    ])  # fmt: skip


def _swap(system: System, arguments: argparse.Namespace) -> List[Datum]:
    if not (arguments.swap_util or arguments.swap_used):
        return []
    total, free = measures.swap(system)
    return _chosen([
        (arguments.swap_util, Datum("SwapUtilization", measures.percent(total - free, total), "Percent")),
        (arguments.swap_used, measures.sized("SwapUsed", total - free, arguments.memory_units)),
    ])  # fmt: skip


def _disk(system: System, arguments: argparse.Namespace) -> List[Datum]:
    if not (arguments.disk_space_util or arguments.disk_space_used or arguments.disk_space_avail):
        return []
    used, spare = measures.disk(system, arguments.disk_path)
    units = arguments.disk_units
    return _chosen([
        (
            arguments.disk_space_util,
            Datum("DiskSpaceUtilization", measures.percent(used, used + spare), "Percent"),
        ),
        (arguments.disk_space_used, measures.sized("DiskSpaceUsed", used, units)),
        (arguments.disk_space_avail, measures.sized("DiskSpaceAvailable", spare, units)),
    ])  # fmt: skip


def _processor(system: System, arguments: argparse.Namespace) -> List[Datum]:
    return [Datum("CPUUtilization", measures.processor(system), "Percent")] if arguments.cpu_util else []


def _own(system: System, arguments: argparse.Namespace) -> List[Datum]:
    given = (arguments.metric, arguments.units, arguments.value)
    if all(each is None for each in given):
        return []
    if any(each is None for each in given):
        raise ToolError("--metric, --units and --value belong together")
    return [Datum(arguments.metric, arguments.value, unit_of(arguments.units))]


def _balancer(system: System, arguments: argparse.Namespace) -> List[Datum]:
    if arguments.haproxy:
        return haproxy.measured(haproxy.statistics(system))
    return [haproxy.latency(haproxy.statistics(system))] if arguments.haproxy_latency else []


def _chosen(pairs: List[Tuple[bool, Datum]]) -> List[Datum]:
    return [datum for asked, datum in pairs if asked]


def main() -> None:
    """Run the command."""
    program.end(program.run(parser(), work))
