"""One patient's story through all five services, played over their doors: `carelog story`, and the end-to-end test.

`plot` is the table of contents; each step can be played again and does nothing twice, so a story that was cut off at
any moment goes on to its end.
"""
