"""Authentication, policy, and credentials for work that outlives a request's token.

tokens        the token of a request → Caller, by Keystone and a short cache
policy        may this caller do this? operators' policy files over the built-in rules
trusts        a user's roles delegated to the service user for work that outlives a token
stack_users   projects and users in the stack domain, for what runs inside guests
crypto        secrets at rest: encrypted under a named key, keys exchanged online
"""
