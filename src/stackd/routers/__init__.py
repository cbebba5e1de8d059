"""The native REST API, one module per noun: parses a request, calls one use case, and renders the answer.

``Api`` (api.py) is the FastAPI application. A request passes ``RequestIds``, ``Handled``, ``Versions`` and
``Tokens`` (middleware.py). ``TreeRouter`` (routing.py) finds its route, and the endpoint gets a ``Call`` with
the models that it declares. Errors are rendered by handlers of exceptions (errors.py).
"""
