"""OS::Trove::*, resource types of the database service."""
