"""The small service as a process: python -m tests.faults.grounds.counting api|relay|worker|all."""

from collections.abc import Mapping

from shared.contracts import catalogue
from shared.contracts.envelope import Contract


def with_counters() -> Mapping[str, type[Contract]]:
    """All contracts, those of the counters among them."""
    from tests.support.counters import CounterCounted, CounterOpened

    return {**_OURS(), CounterOpened.TYPE: CounterOpened, CounterCounted.TYPE: CounterCounted}


_OURS = catalogue.contracts

if __name__ == "__main__":
    # Before anybody else takes it: whoever reads messages must know the counters' contracts, too.
    catalogue.contracts = with_counters  # type: ignore[assignment]

    from shared.runtime.main import main
    from tests.support.counters import service

    main(service)
