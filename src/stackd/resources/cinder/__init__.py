"""Resource types of the block storage service."""
