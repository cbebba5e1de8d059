"""OS::Designate::*, resource types of the DNS service."""
