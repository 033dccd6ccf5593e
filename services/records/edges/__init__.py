"""The formats in which the outside speaks to records."""
