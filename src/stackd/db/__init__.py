"""The store: the only place of SQL.

``Database`` is opened by URL and migrated by ``migrations.upgrade``. All changes of stacks,
resources, events, operations, credentials and documents go through ``Journal.write``; leases and
heartbeats are single statements of their own. Reads are functions over a ``Database``, one module per
noun, and return records.
"""
