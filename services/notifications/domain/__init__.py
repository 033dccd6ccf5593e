"""Preferences, messages, and the letters that they become."""
