"""The names of objects in the cloud, made of the names of their stacks and resources."""

from __future__ import annotations

import base64
import uuid
from functools import lru_cache


@lru_cache(maxsize=1024)
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
