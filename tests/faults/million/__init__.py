"""A million acknowledged commands while everything around them dies: none lost, none doubled, all in order.

`load` gives commands as fast as it can and keeps what it was answered, `storm` kills and freezes, `promises` compares
the log, the topic and the read models with the answers. `python -m tests.faults.million` plays it and tells it.
"""
