"""The runtime as a whole, with a service as small as can be, over a real PostgreSQL and the development broker."""
