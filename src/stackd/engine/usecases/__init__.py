"""The use cases: what the front ends call, with their policy checks."""
