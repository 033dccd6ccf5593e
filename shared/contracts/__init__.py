"""The published language: the envelope, and one module of contracts for each publishing service.

The only thing the services have in common, and all that a subscriber needs: pydantic and the standard library.
"""
