"""Notifications owns what patients are told and how they want to be told: contact preferences, and messages to them.

It exists so that each attempt to reach a patient is a fact, and that nothing clinical is ever written outside.
"""
