"""`python -m tests.golden`: adds the golden files that are missing. It never changes one: they are what was promised.

A contract's schema grows by what was added to the contract; where anything else has changed, it is left as it is.
"""

import sys

from shared.contracts.envelope import Contract
from shared.runtime.publishing import Publisher
from shared.runtime.service import Published, Service
from tests.golden import events, schemas
from tests.support.deliveries import services


def add_all() -> int:
    """Returns how many files were added, or have grown."""
    wanted = [(service, one) for service in services() for one in service.publishes]
    return sum(add_event(service, one) + add_schema(one.contract) for service, one in wanted)


def add_event(service: Service, published: Published) -> bool:
    path = events.path_of(service, published)
    if path.exists():
        return False
    events.Golden.of(published, publisher=Publisher(service, epoch=1)).write(path)
    return True


def add_schema(contract: type[Contract]) -> bool:
    path, now = schemas.path_of(contract), schemas.schema_of(contract)
    if path.exists() and (schemas.breaks(schemas.read(path), now, event="") or not schemas.grown(path, contract)):
        return False
    schemas.write(contract)
    return True


if __name__ == "__main__":
    sys.stdout.write(f"{add_all()} golden files added\n")
