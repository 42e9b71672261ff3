"""The payloads."""
