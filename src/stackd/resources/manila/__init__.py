"""OS::Manila::*, resource types of the shared file systems service."""
