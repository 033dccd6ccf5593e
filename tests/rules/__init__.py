"""The rules of the house: the import rules of pyproject.toml, and small programs for what imports do not show."""
