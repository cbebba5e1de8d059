"""The `stackd` command: the server, its database and configuration, and an HTTP client for stacks.

Each subcommand is a module that is imported only when it runs, so that help and completion are immediate.
"""
