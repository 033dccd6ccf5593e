"""Referrals: one organisation asks another for a service, and the loop stays open until both know what came of it.

Owns the Referral. Exists because a referral that nobody answered is how patients get lost: each one has a next step, an
owner of that step, and a time by which it is due.
"""
