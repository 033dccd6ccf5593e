"""A rebuild of the small service's as a process: python -m tests.faults.grounds.rebuilding <projection>.

Says `<applied> <there>` on a line whenever it has got on, and `switched` or `kept` at its end. Its settings are in the
environment, as the service's.
"""

import asyncio
import sys
from typing import Any

from shared.contracts import catalogue
from tests.faults.grounds.counting import with_counters


async def _rebuild(projection: str) -> None:
    from shared.runtime.operating.operated import Operated
    from shared.runtime.operating.projections import rebuilt
    from tests.support.counters import service

    def tell(now: Any) -> None:
        print(now.applied, now.there, flush=True)

    async def never(comparison: object) -> bool:
        return False

    of = Operated(service=service, settings=service.settings.read())
    done = await rebuilt(of, of.projection(projection), tell=tell, even_if_different=never)
    print("switched" if done.switched else "kept", flush=True)


if __name__ == "__main__":
    catalogue.contracts = with_counters  # type: ignore[assignment]
    asyncio.run(_rebuild(sys.argv[1]))
