"""For pytest: `-p tests.mutants.plugin --mutant NAME` runs tests over code that has this mistake."""

from contextlib import ExitStack

import pytest

from tests.mutants.catalogue import MUTANTS

_HELD = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutant", help="the name of a mistake in tests/mutants/catalogue.py")


def pytest_configure(config: pytest.Config) -> None:
    name = config.getoption("--mutant")
    if name:
        _HELD.enter_context(next(one for one in MUTANTS if one.name == name).made())


def pytest_unconfigure(config: pytest.Config) -> None:
    _HELD.close()
