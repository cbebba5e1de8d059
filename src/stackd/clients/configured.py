"""The clients of the process, as an operator's settings want them."""

from __future__ import annotations

from stackd.clients.addresses import AddressPolicy
from stackd.clients.credentials import PasswordCredentials, Scope
from stackd.clients.egress import Egress, EgressSettings
from stackd.clients.http import HttpSettings
from stackd.clients.keystone import KeystoneSettings
from stackd.clients.limiter import LimiterSettings
from stackd.clients.pool import Clouds
from stackd.clients.remote import Remotes
from stackd.clients.wire import RetrySettings
from stackd.settings import Settings


def make_clouds(settings: Settings) -> Clouds:
    """The OpenStack clients, with the operator's limits."""
    most = settings.clients.max_concurrency
    return Clouds(
        _keystone(settings),
        http=_http(settings),
        retry=_retry(settings),
        limits=LimiterSettings(start=min(16, most), maximum=most),
    )


def make_remotes(settings: Settings) -> Remotes:
    """What opens other clouds, whose addresses users choose."""
    return Remotes(
        _keystone(settings),
        AddressPolicy.of(settings.egress.allowed_networks, settings.egress.denied_networks),
        _retry(settings),
        _http(settings),
    )


def make_egress(settings: Settings) -> Egress:
    """The client for URLs from users."""
    egress = settings.egress
    return Egress(
        EgressSettings(
            AddressPolicy.of(egress.allowed_networks, egress.denied_networks),
            timeout=egress.timeout,
            max_redirects=egress.max_redirects,
            concurrency=egress.concurrency,
            ca_file=egress.cafile,
            max_files=egress.max_files,
            max_bytes=egress.max_bytes,
        )
    )


def service_credentials(settings: Settings) -> PasswordCredentials:
    """The credentials of the service user."""
    keystone = settings.keystone
    return PasswordCredentials(
        keystone.password.get_secret_value(),
        user_name=keystone.username,
        user_domain_name=keystone.user_domain_name,
        scope=Scope(project_name=keystone.project_name, project_domain_name=keystone.project_domain_name),
    )


def stack_domain_credentials(settings: Settings) -> PasswordCredentials | None:
    """The credentials of the user who administers the stack domain; None without one."""
    keystone = settings.keystone
    if not keystone.stack_domain_name or not keystone.stack_domain_admin:
        return None
    return PasswordCredentials(
        keystone.stack_domain_admin_password.get_secret_value(),
        user_name=keystone.stack_domain_admin,
        user_domain_name=keystone.stack_domain_name,
        scope=Scope(domain_name=keystone.stack_domain_name),
    )


def _keystone(settings: Settings) -> KeystoneSettings:
    """Where Keystone is, and which endpoints of its catalog are used."""
    keystone = settings.keystone
    return KeystoneSettings(keystone.auth_url, region=keystone.region, interface=keystone.interface)


def _http(settings: Settings) -> HttpSettings:
    """How connections to OpenStack are made."""
    return HttpSettings(ca_file=settings.keystone.cafile, verify_tls=not settings.keystone.insecure)


def _retry(settings: Settings) -> RetrySettings:
    """How long and how often a call to OpenStack is tried."""
    return RetrySettings(timeout=settings.clients.timeout, attempts=settings.clients.retries + 1)
