"""The read models' store behind one narrow port: PostgreSQL JSONB or MongoDB, alike to the last byte."""
