"""What outlives the process: topics, record batches, producer ids and committed offsets, in one SQLite file."""
