"""OS::Ironic::*, resource types of the bare metal service."""
