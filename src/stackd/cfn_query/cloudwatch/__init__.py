"""The CloudWatch API: `engine.usecases.cloudwatch` behind the three protocols of its clients.

api        the application, and the way of a request
protocols  which protocol a request has, and how each names an action and writes an answer
bodies     bodies as they came, and decompressed
cbor       CBOR within limits
faults     which error has which code, shape and status
"""
