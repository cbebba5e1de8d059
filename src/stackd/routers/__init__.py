"""The native REST API: one module per noun; each parses a request, calls one use case and renders.

``Api`` (api.py) is the FastAPI application. A request passes ``RequestIds``, ``Versions`` and ``Tokens``
(middleware.py). ``TreeRouter`` (routing.py) finds its route, and the endpoint gets a ``Call`` with the models
that it declares. Errors are rendered by handlers of exceptions (errors.py).
"""
