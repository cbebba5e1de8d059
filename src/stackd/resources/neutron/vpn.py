"""What the policies of VPN tunnels have in common: algorithms and lifetimes."""

from __future__ import annotations

from typing import Any, Final

from stackd.resources.constraints import one_of
from stackd.resources.neutron.plugged import DESCRIPTION
from stackd.resources.rest import Field
from stackd.resources.schema import REPLACE, Properties, prop

_KEY_SIZES: Final = ("128", "192", "256")
_CHECKED: Final = tuple(
    f"aes-{size}-{mode}-{length}" for mode in ("ccm", "gcm") for length in (8, 12, 16) for size in _KEY_SIZES
)
_CIPHERS: Final = (
    "3des",
    *(f"aes-{size}" for size in _KEY_SIZES),
    *_CHECKED,
    *(f"aes-{size}-ctr" for size in _KEY_SIZES),
)
_DIGESTS: Final = ("sha1", "sha256", "sha384", "sha512", "aes-xcbc", "aes-cmac")
_GROUPS: Final = ("group2", "group5", *(f"group{number}" for number in range(14, 32)))
_LIFETIME: Final = {"units": "seconds", "value": 3600}


class LifetimeProps(Properties):
    """How long keys are used."""

    units: str = prop(
        "What the lifetime is measured in.",
        default=_LIFETIME["units"],
        constraints=[one_of("seconds", "kilobytes")],
    )
    value: int = prop("The lifetime; the service takes no less than 60.", default=_LIFETIME["value"])


def digest(update: Any = REPLACE) -> Any:
    """Declare the property ``auth_algorithm``."""
    return prop(
        "By which algorithm packets are authenticated.",
        default="sha1",
        update=update,
        constraints=[one_of(*_DIGESTS)],
    )


def cipher(update: Any = REPLACE) -> Any:
    """Declare the property ``encryption_algorithm``."""
    return prop(
        "By which algorithm packets are encrypted.",
        default="aes-128",
        update=update,
        constraints=[one_of(*_CIPHERS)],
    )


def secrecy(update: Any = REPLACE) -> Any:
    """Declare the property ``pfs``."""
    return prop(
        "Diffie-Hellman group of perfect forward secrecy.",
        default="group5",
        update=update,
        constraints=[one_of(*_GROUPS)],
    )


def lifetime(update: Any = REPLACE) -> Any:
    """Declare the property ``lifetime``."""
    return prop("How long keys are used before others are negotiated.", update=update)


POLICY_FIELDS: Final[dict[str, str | Field]] = {
    "name": "name",
    "description": DESCRIPTION,
    "auth_algorithm": "auth_algorithm",
    "encryption_algorithm": "encryption_algorithm",
    "pfs": "pfs",
    "lifetime": Field("lifetime", cleared=_LIFETIME),
}
