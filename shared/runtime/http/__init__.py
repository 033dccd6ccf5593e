"""The HTTP base of every service. An `api.py` begins with `doors`; `app` puts a service's doors together."""
