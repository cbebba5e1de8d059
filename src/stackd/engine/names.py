"""Deterministic names for objects in the cloud."""

from __future__ import annotations

import base64
import uuid


def short_id(resource_id: str) -> str:
    """Twelve lower-case letters and digits drawn from a random UUID: the same for the same id."""
    number = uuid.UUID(resource_id).int
    high, low = (number >> 80) << 12 | (number >> 64) & 0xFFF, number & 0xFFFFFFFF
    sixty_bits = ((high << 32 | low) & ((1 << 60) - 1)).to_bytes(8, "big")
    return base64.b32encode(sixty_bits).decode().lower().rstrip("=")[-12:]


def physical_name(stack: str, resource: str, resource_id: str, limit: int = 255) -> str:
    """``stack-resource-xxxxxxxxxxxx``; too long a name keeps its first two characters and its end."""
    name = f"{stack}-{resource}-{short_id(resource_id)}"
    if len(name) <= limit:
        return name
    return f"{name[:2]}-{name[-(limit - 3) :]}"
