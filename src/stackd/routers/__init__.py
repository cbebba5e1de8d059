"""The native REST API: one module per noun; each parses a request, calls one use case and renders.

``Api`` (api.py) is the FastAPI application. A request passes ``RequestIds``, ``Versions`` and ``Tokens``
(middleware.py). ``TreeRouter`` (routing.py) finds its route, whose endpoint gets a ``Call``, and the query and
body that it declares. Errors are rendered by handlers of exceptions (errors.py).
"""
