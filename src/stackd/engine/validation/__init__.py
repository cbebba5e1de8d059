"""Validates definitions: pure rules, and look-ups of names that must exist in the cloud."""
