"""The systems that faults are played on: `five` (all of Carelog) and `small` (one small service, for log and bus)."""
