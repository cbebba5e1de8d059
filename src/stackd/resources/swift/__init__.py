"""Resource types of the object store."""
