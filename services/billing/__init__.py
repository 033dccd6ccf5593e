"""Billing owns what is owed for care: who covers a patient, and the claims, each a ledger that only grows.

It exists so that every balance can be told for any date and traced to the entries, and the visit, that it comes from.
"""
