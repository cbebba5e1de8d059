"""OS::Barbican::*, resource types of the key manager."""
