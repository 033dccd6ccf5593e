"""A world in one process: log, relay and consumers against engines in memory, in virtual time, drawn from a seed.

`loop` is the time, `world` the processes and what befalls them, `database`, `broker` and `stores` the engines, `slips`
the service, `story` what a run does and `checks` what must be true afterwards.
"""
