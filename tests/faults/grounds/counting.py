"""The small service as a process: python -m tests.faults.grounds.counting api|relay|worker|all.

A failpoint from the environment ends it where a kill from outside would hardly ever hit.
"""

import os
from collections.abc import Mapping
from itertools import count

from shared.contracts import catalogue
from shared.contracts.envelope import Contract


def with_counters() -> Mapping[str, type[Contract]]:
    """All contracts, those of the counters among them."""
    from tests.support.counters import CounterCounted, CounterOpened

    return {**_OURS(), CounterOpened.TYPE: CounterOpened, CounterCounted.TYPE: CounterCounted}


_OURS = catalogue.contracts
EXIT_BEFORE_SAVE = "FAULTS_EXIT_BEFORE_SAVE"
"""a number n: in place of the n-th save of the relay's position the process is gone"""


def _fail_where_told() -> None:
    if wanted := os.environ.get(EXIT_BEFORE_SAVE):
        from shared.runtime.bus.lease import LogLease

        saves, save = count(1), LogLease.save

        async def or_die(self: LogLease, position: int) -> None:
            if next(saves) == int(wanted):
                os._exit(137)
            await save(self, position)

        LogLease.save = or_die  # type: ignore[method-assign]


if __name__ == "__main__":
    # Before anybody else takes it: whoever reads messages must know the counters' contracts, too.
    catalogue.contracts = with_counters  # type: ignore[assignment]

    from shared.runtime.main import main
    from tests.support.counters import service

    _fail_where_told()
    main(service)
