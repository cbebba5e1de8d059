"""Services that operations and use cases share: trusts, stack users, exports, event sinks."""
