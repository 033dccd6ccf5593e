"""The service's log for other systems, over HTTP: the same contracts as its topic, in the same order.

CloudEvents 1.0 in the JSON batch format; an event's attributes are the `ce_` headers of its message.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.requests import Request

from shared.contracts.envelope import Contract, Envelope, to_headers
from shared.kernel import Actor, NotFound
from shared.runtime.feed import AT_MOST, Each
from shared.runtime.http.answers import Answer
from shared.runtime.http.doors import doors, reads
from shared.runtime.http.site import site

MEDIA_TYPE = "application/cloudevents-batch+json"
NEXT = "Carelog-Next"
"""the answer's header that holds what to ask `after` next"""

HEAD = "Carelog-Head"
"""the header that holds the position up to which the log is published"""

_POSITION = Query(pattern=r"^(\d{1,9}\.)?\d{1,18}$", description="`<epoch>.<n>` or `<n>`")

feed = doors(tag="feed")


@feed.get("/feed")
async def whole_log(
    request: Request,
    actor: Annotated[Actor, reads("log.read")],
    after: Annotated[str, _POSITION] = "0",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Answer:
    """The events after a position, in the order of the log; fewer than `limit` where they are large. An empty list:
    that is all, for now.
    """
    contracts = await site(request).runtime.feed.contracts_after(_number(after), limit)
    return _batch(contracts, {NEXT: contracts[-1].envelope.position if contracts else after})


@feed.get("/feed/heads")
async def heads(
    request: Request,
    actor: Annotated[Actor, reads("log.read")],
    after: Annotated[str, _POSITION] = "0",
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    age: Annotated[float, Query(ge=0, le=86_400)] = 30.0,
    each: Each = "aggregate",
) -> Answer:
    """What a consumer must have applied: of so many positions the newest event of each aggregate (or `each` event),
    without its data, where it is published and was recorded `age` seconds ago or more.

    `Carelog-Next` is the position they go up to, `Carelog-Head` the one up to which the log is published.
    """
    window = await site(request).runtime.feed.heads(_number(after), limit=limit, age=age, each=each)
    told = [_attributes(envelope) for envelope in window.heads]
    return Answer(told, headers={NEXT: str(window.to), HEAD: str(window.head)}, media_type=MEDIA_TYPE)


@feed.get("/feed/{aggregate}")
async def one_aggregate(
    request: Request,
    actor: Annotated[Actor, reads("log.read")],
    aggregate: UUID,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="a version; what is newer is told")] = 0,
    limit: Annotated[int, Query(ge=1, le=AT_MOST)] = AT_MOST,
) -> Answer:
    """The events of one aggregate, from its birth or after a version; fewer than `limit` where they are large. An empty
    list: that is all. `Carelog-Next`: the version to ask after next.
    """
    contracts = await site(request).runtime.feed.contracts_of(aggregate, after=after, limit=limit)
    if not contracts and not after:
        raise NotFound
    return _batch(contracts, {NEXT: str(contracts[-1].envelope.sequence if contracts else after)})


def as_cloudevent(contract: Contract) -> dict[str, Any]:
    """A contract in CloudEvents' structured form (JSON format, 3); the message's key is its `partitionkey`."""
    return {**_attributes(contract.envelope), "data": contract}


def _attributes(envelope: Envelope) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, value in to_headers(envelope):
        attributes["datacontenttype" if name == "content-type" else name.removeprefix("ce_")] = value.decode()
    return {**attributes, "partitionkey": envelope.key}


def _number(position: str) -> int:
    return int(position.rsplit(".", 1)[-1])


def _batch(contracts: Sequence[Contract], headers: dict[str, str]) -> Answer:
    return Answer([as_cloudevent(contract) for contract in contracts], headers=headers, media_type=MEDIA_TYPE)
