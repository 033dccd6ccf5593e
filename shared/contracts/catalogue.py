"""Finds a contract by its name, among all that the five services publish."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from shared.contracts.envelope import Contract

SERVICES = ("records", "scheduling", "billing", "referrals", "notifications")


def topic_of(service: str) -> str:
    """The topic that carries a service's whole log."""
    return f"carelog.{service}.v1"


@cache
def contracts() -> Mapping[str, type[Contract]]:
    """Every contract there is, by its `TYPE`."""
    found: dict[str, type[Contract]] = {}
    for service in SERVICES:
        for contract in import_module(f"shared.contracts.{service}").PUBLISHED:
            found[contract.TYPE] = contract
    return found
