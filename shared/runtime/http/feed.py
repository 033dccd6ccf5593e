"""The service's log for other systems, over HTTP: the same contracts as its topic, in the same order.

CloudEvents 1.0 in the JSON batch format; an event's attributes are the `ce_` headers of its message.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.requests import Request

from shared.contracts.envelope import Contract, to_headers
from shared.kernel import Actor, NotFound
from shared.runtime.http.answers import Answer
from shared.runtime.http.doors import doors, reads
from shared.runtime.http.site import site

MEDIA_TYPE = "application/cloudevents-batch+json"
NEXT = "Carelog-Next"
"""the answer's header that holds what to ask `after` next"""

feed = doors(tag="feed")


@feed.get("/feed")
async def whole_log(
    request: Request,
    actor: Annotated[Actor, reads("log.read")],
    after: Annotated[str, Query(pattern=r"^(\d{1,9}\.)?\d{1,18}$", description="`<epoch>.<n>` or `<n>`")] = "0",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Answer:
    """The events after a position, in the order of the log. An empty list: that is all, for now."""
    contracts = await site(request).runtime.feed.contracts_after(int(after.rsplit(".", 1)[-1]), limit)
    return _batch(contracts, {NEXT: contracts[-1].envelope.position if contracts else after})


@feed.get("/feed/{aggregate}")
async def one_aggregate(request: Request, actor: Annotated[Actor, reads("log.read")], aggregate: UUID) -> Answer:
    """All events of one aggregate, from its birth."""
    contracts = await site(request).runtime.feed.contracts_of(aggregate)
    if not contracts:
        raise NotFound
    return _batch(contracts, {})


def as_cloudevent(contract: Contract) -> dict[str, Any]:
    """A contract in CloudEvents' structured form (JSON format, 3); the message's key is its `partitionkey`."""
    attributes: dict[str, Any] = {}
    for name, value in to_headers(contract.envelope):
        attributes["datacontenttype" if name == "content-type" else name.removeprefix("ce_")] = value.decode()
    return {**attributes, "partitionkey": contract.envelope.key, "data": contract}


def _batch(contracts: Sequence[Contract], headers: dict[str, str]) -> Answer:
    return Answer([as_cloudevent(contract) for contract in contracts], headers=headers, media_type=MEDIA_TYPE)
