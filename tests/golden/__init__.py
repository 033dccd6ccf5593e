"""What was stored and published once, and must be understood for ever. Made by `python -m tests.golden`, kept by hand.

`<service>/<event>.v<class version>.json` holds the stored bytes of an event as JSON text, and the contract that others
saw it as; `contracts/<TYPE>.schema.json` the schema of a contract.
"""
