"""OS::Blazar::*, resource types of the reservation service."""
