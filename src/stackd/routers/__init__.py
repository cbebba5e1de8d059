"""The native REST API, one module per noun: parses a request, calls one use case, and renders the answer.

``Gate`` (middleware.py) stands before everything: it gives each request its id, finds its version,
checks its token and turns every error into its answer. ``Table`` (routing.py) finds the handler, a plain
function of a ``Call``. FastAPI documents the handlers and serves that as ``/openapi.json``.
"""
