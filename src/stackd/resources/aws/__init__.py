"""Resource types with the names of Amazon's."""
