"""Real engines for tests, drills and bench: addresses from the environment, else containers, else native processes.

`choice` takes them in that order; `python -m tests.support.engines` fetches and builds what the native ones need.
"""
