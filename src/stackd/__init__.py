"""stackd: an orchestration server for OpenStack, a drop-in replacement for Heat in one process."""

__version__ = "0.1.0"
