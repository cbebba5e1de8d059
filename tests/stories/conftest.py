"""The native API in process, as the tests of the routers have it."""

from tests.routers.conftest import api, client, parts

__all__ = ["api", "client", "parts"]
