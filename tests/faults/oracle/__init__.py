"""The oracle: gives commands, remembers each with its answer, and says afterwards what of it is not true.

`oracle` gives and remembers; `people` and `counters` know what to ask for; `mirror` is what must be, made of the logs
alone; `topics`, `documents`, `clinical` and `canaries` compare it with what is.
"""
