"""What operations and use cases share beside the database: trusts, stack users, exports, event sinks."""
