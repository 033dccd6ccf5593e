"""Notifications over its real log, behind its real doors."""
