"""The native REST API: one module per noun; each parses a request, makes one engine call and renders.

``Gate`` (middleware.py) stands before the FastAPI application: it gives each request its id, finds its version,
checks its token and turns every error into its answer. Handlers are plain functions of a ``Call``; the
application knows their documentation, and serves it as ``/openapi.json``.
"""
