"""Hooks that run when metadata changes.

settings   cfn-hup.conf
hooks      hooks.conf and hooks.d
state      what each hook has seen last
passes     one pass: look, compare, run
daemon     passes at an interval, in the background
"""
