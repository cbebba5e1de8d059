"""Resource types of the alarming service."""
