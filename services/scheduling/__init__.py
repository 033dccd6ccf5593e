"""Scheduling owns when a bookable resource has time, and who has an appointment then.

It exists so that two people never get the same slot: a booking and the days it takes are one append, or none.
"""
