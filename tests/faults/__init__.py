"""What Carelog must survive, injected for real and under load: `python -m tests.faults`.

`rows` are the faults, one module each; `grounds` the systems they are played on; `oracle` records every command with
its answer and says afterwards whether anything was lost, doubled, out of order, wrong or told to the wrong people.
"""
