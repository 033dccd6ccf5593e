"""Coverages, claims and money, in billing's own words."""
