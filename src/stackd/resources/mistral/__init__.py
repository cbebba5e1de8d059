"""OS::Mistral::*, resource types of workflows."""
