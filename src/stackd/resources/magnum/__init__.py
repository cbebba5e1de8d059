"""OS::Magnum::*, resource types of the service for container clusters."""
