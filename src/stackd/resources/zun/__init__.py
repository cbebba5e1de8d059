"""OS::Zun::*, resource types of the container service."""
