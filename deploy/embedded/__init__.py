"""Carelog on one machine with nothing but Python: local PostgreSQL, development broker, supervisor, demo data."""
