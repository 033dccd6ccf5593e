"""The plumbing against real engines."""
