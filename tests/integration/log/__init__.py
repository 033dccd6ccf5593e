"""The write path against a real PostgreSQL."""
