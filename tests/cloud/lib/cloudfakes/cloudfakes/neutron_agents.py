"""Service drivers for VPNs and taps, whose agents are fakes: what they hear of is ACTIVE a moment later."""

import threading

from neutron_lib import constants
from neutron_taas.services.taas.service_drivers import taas_rpc
from neutron_vpnaas.services.vpn.service_drivers import ipsec

MOMENT = 0.3
"""Seconds until an agent reports: after the request that it hears of is stored."""


def soon(report, *args):
    timer = threading.Timer(MOMENT, report, args)
    timer.daemon = True
    timer.start()


class FakeVpnAgent:
    def __init__(self, plugin):
        self.plugin = plugin

    def vpnservice_updated(self, context, router_id, **kwargs):
        soon(self.report, context.elevated(), router_id)

    def report(self, context, router_id):
        services = self.plugin.get_vpnservices(context, filters={"router_id": [router_id]})
        found = self.plugin.get_ipsec_site_connections(
            context, filters={"vpnservice_id": [each["id"] for each in services]}
        )
        active = {"status": constants.ACTIVE, "updated_pending_status": True}
        self.plugin.update_status_by_agent(
            context,
            [
                {
                    "id": service["id"],
                    **active,
                    "ipsec_site_connections": {
                        each["id"]: active for each in found if each["vpnservice_id"] == service["id"]
                    },
                }
                for service in services
            ],
        )


class FakeVpnDriver(ipsec.IPsecVPNDriver):
    def create_rpc_conn(self):
        self.agent_rpc = FakeVpnAgent(self.service_plugin)


class FakeTapAgent:
    """Reports what was made as ACTIVE, and what was removed as INACTIVE, on which the service forgets it."""

    def __init__(self, service):
        self.service = service

    def create_tap_service(self, context, message, host):
        self.report(self.service.set_tap_service_status, context, message["tap_service"], constants.ACTIVE)

    def delete_tap_service(self, context, message, host):
        self.report(self.service.set_tap_service_status, context, message["tap_service"], constants.INACTIVE)

    def create_tap_flow(self, context, message, host):
        self.report(self.service.set_tap_flow_status, context, message["tap_flow"], constants.ACTIVE)

    def delete_tap_flow(self, context, message, host):
        self.report(self.service.set_tap_flow_status, context, message["tap_flow"], constants.INACTIVE)

    @staticmethod
    def report(setter, context, thing, status):
        soon(setter, context.elevated(), {"id": thing["id"]}, status)


class FakeTapDriver(taas_rpc.TaasRpcDriver):
    def __init__(self, service_plugin):
        super().__init__(service_plugin)
        self.agent_rpc = FakeTapAgent(self.endpoints[0])
