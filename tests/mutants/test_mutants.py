"""Every mistake in the catalogue is found, and the code without them is not accused."""

from pathlib import Path

import pytest

from shared.runtime.documents.memory import MemoryDocuments
from tests.mutants.catalogue import MUTANTS, Mutant
from tests.mutants.judging import failing, simulated
from tests.mutants.mutation import Change, Outdated
from tests.simulation.story import simulate

pytestmark = pytest.mark.timeout(900)

_SEEDS = range(1, 121)
_DOCS = Path(__file__).parents[2] / "docs" / "testing.md"


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.simulated], ids=lambda one: one.name)
def test_the_simulation_finds_it(mutant: Mutant) -> None:
    found = simulated(mutant, _SEEDS)

    assert found, f"no seed of {_SEEDS} finds: {mutant.says}"
    assert simulate(found[0]).wrong == ()


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [one for one in MUTANTS if not one.simulated], ids=lambda one: one.name)
def test_a_real_engine_finds_it(mutant: Mutant) -> None:
    assert failing(mutant)


def test_a_mistake_is_there_only_while_it_is_held() -> None:
    before = MemoryDocuments.write
    with MUTANTS[0].made():
        assert MemoryDocuments.write is not before
    assert MemoryDocuments.write is before


def test_a_mistake_that_the_code_has_left_behind_says_so() -> None:
    gone = Change(where="tests.mutants.judging:judged", instead_of="what nobody wrote", this="")
    twice = Change(where="tests.mutants.judging:judged", instead_of="mutant", this="")

    for change in (gone, twice):
        with pytest.raises(Outdated), change.made():
            raise AssertionError("it was made")


def test_the_guide_names_every_mistake() -> None:
    assert [one.name for one in MUTANTS if f"**{one.name}**" not in _DOCS.read_text("utf-8")] == []
