"""Where notifications meets the world outside."""
