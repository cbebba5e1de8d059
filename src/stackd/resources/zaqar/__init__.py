"""OS::Zaqar::*, resource types of queues of messages."""
