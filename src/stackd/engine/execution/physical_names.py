"""Deterministic names for objects in the cloud."""

from __future__ import annotations

import base64
import uuid


def short_id(resource_id: str) -> str:
    """Twelve lower-case letters and digits drawn from a random UUID: the same for the same id."""
    sixty_bits = uuid.UUID(resource_id).time
    return base64.b32encode((sixty_bits << 4).to_bytes(8, "big"))[:12].decode().lower()


def physical_name(stack: str, resource: str, resource_id: str, limit: int = 255) -> str:
    """``stack-resource-xxxxxxxxxxxx``; too long a name keeps its first two characters and its end."""
    name = f"{stack}-{resource}-{short_id(resource_id)}"
    if len(name) <= limit:
        return name
    return f"{name[:2]}-{name[-(limit - 3) :]}"
