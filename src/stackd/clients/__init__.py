"""OpenStack over HTTP: ``Clouds`` gives a ``Cloud`` per credentials, a cloud gives its services.

    clouds = Clouds(KeystoneSettings(auth_url="http://keystone:5000/v3"))
    cloud = await clouds.open(TokenCredentials(token))
    networks = await cloud.network.list_all("/networks", "networks")

The parts, from the connection up:

    http         the one HTTP client            wire         attempts, deadlines, retries
    limiter      calls at once per endpoint     failures     answers → errors
    credentials, keystone, catalog              who, and what is where
    service      verbs of one service           cloud, pool  services of one project, all projects
    lookup       ids of things named in templates
"""

from stackd.clients.cloud import Cloud
from stackd.clients.credentials import (
    ApplicationCredential,
    Credentials,
    PasswordCredentials,
    Scope,
    TokenCredentials,
    TrustCredentials,
)
from stackd.clients.failures import AnswerLost
from stackd.clients.http import HttpSettings
from stackd.clients.keystone import KeystoneSettings, Token
from stackd.clients.limiter import LimiterSettings, LimiterStats
from stackd.clients.lookup import AmbiguousName, Finder
from stackd.clients.pool import Clouds
from stackd.clients.service import Service
from stackd.clients.wire import Reply, RetrySettings

__all__ = [
    "AmbiguousName",
    "AnswerLost",
    "ApplicationCredential",
    "Cloud",
    "Clouds",
    "Credentials",
    "Finder",
    "HttpSettings",
    "KeystoneSettings",
    "LimiterSettings",
    "LimiterStats",
    "PasswordCredentials",
    "Reply",
    "RetrySettings",
    "Scope",
    "Service",
    "Token",
    "TokenCredentials",
    "TrustCredentials",
]
