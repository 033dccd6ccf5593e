"""Scheduling's decisions, what comes of them together, and what is shown."""
