"""What must be true when all is quiet again. Everything is read from the engines themselves, and folded afresh.

`under_way` and `unsettled` say what has not come to its end; `broken` what is wrong for good.
"""

from collections.abc import Iterator
from uuid import UUID

from shared.contracts.envelope import Contract
from shared.kernel import named_id
from shared.runtime.documents.port import Document
from shared.runtime.json import canonical
from shared.runtime.log.rows import EVENT_COLUMNS, Stored
from tests.simulation.clients import Asked, Clients
from tests.simulation.site import Site
from tests.simulation.slips import Lines, Sheets, SlipAdded

_COLUMNS = ", ".join(("position", "recorded_at", *(name for name, _ in EVENT_COLUMNS)))


class Truth:
    """The log as it is now, and all that follows from it."""

    def __init__(self, site: Site) -> None:
        rows, _ = site.database.run(f"SELECT {_COLUMNS} FROM events ORDER BY position", ())
        self.events = [Stored(**row) for row in rows]
        self.contracts = [site.publisher.contract(one) for one in self.events]
        rows, _ = site.database.run("SELECT command, outcome FROM commands", ())
        self.commands: dict[UUID, str] = {row["command"]: row["outcome"] for row in rows}
        self.by_command: dict[UUID, list[Stored]] = {}
        for one in self.events:
            self.by_command.setdefault(one.command, []).append(one)


# liveness ------------------------------------------------------------------------------------------------------------


def under_way(site: Site) -> Iterator[str]:
    """What is still on its way from one to the other: cheap to ask."""
    head, position = row_count(site, "events"), site.database.run("SELECT position FROM relay", ())[0][0]["position"]
    if position < head:
        yield f"the relay is at {position} of {head}"
    for group in site.broker.groups():
        if behind := site.broker.behind(group):
            yield f"{group.name} is {behind} messages behind"
    parked = "SELECT consumer, count(*) AS n FROM parked WHERE event <> '?' GROUP BY consumer"
    for row in site.database.run(parked, ())[0]:
        yield f"{row['consumer']} has {row['n']} messages set aside"
    for row in site.database.run("SELECT projection, source, expected FROM holes", ())[0] if site.feeds else ():
        yield f"{row['projection']} misses {row['source']}.{row['expected']}"


def unsettled(site: Site, truth: Truth) -> Iterator[str]:
    """What has not come to its end yet."""
    answered = set(truth.commands)
    for contract in _that_are_answered(truth):
        if _reaction_to(contract) not in answered:
            yield f"nothing was done about {contract.envelope.id}"
    yield from _documents(site, truth)
    yield from _journal(site, truth)


def _documents(site: Site, truth: Truth) -> Iterator[str]:
    found = _stored(site, "sheets_g1")
    expected = {one.id: one for one in sheets(truth.contracts)}
    for id in sorted(found.keys() | expected.keys()):
        if _shape(found.get(id)) != _shape(expected.get(id)):
            yield f"sheet {id} is {_shape(found.get(id))}, but should be {_shape(expected.get(id))}"


def _journal(site: Site, truth: Truth) -> Iterator[str]:
    found = _stored(site, "lines_g1")
    shown = {c.envelope.id: row for c in truth.contracts if (row := Lines().row(c))}
    expected = {id: canonical(row.body) for id, row in shown.items()}
    if missing := sorted(expected.keys() - found.keys()):
        yield f"the journal misses {missing}"
    for id in sorted(found):
        if found[id].body != expected.get(id):
            yield f"the journal has another {id}"


def _stored(site: Site, name: str) -> dict[str, Document]:
    return {id: row.document for id, row in site.documents.store._rows.get(name, {}).items()}


def _shape(document: Document | None) -> tuple[object, ...]:
    return (document.revision, document.visible, document.body, document.sources) if document else ()


def sheets(contracts: list[Contract]) -> Iterator[Document]:
    """The documents as a pure fold of the whole log."""
    sheet = Sheets(mended=lambda: True)
    states: dict[str, dict[str, tuple[int, object]]] = {}
    for contract in contracts:
        source = str(contract.envelope.subject)
        for id in sheet.where(contract.envelope):
            kept = states.setdefault(id, {})
            _, state = kept.get(source, (0, None))
            kept[source] = (contract.envelope.sequence, sheet.fold(state, contract))  # type: ignore[arg-type]
    for id, kept in states.items():
        ordered = dict(sorted(kept.items()))
        shown = sheet.render(id, {source: state for source, (_, state) in ordered.items()})  # type: ignore[misc]
        yield Document(
            id=id,
            body=canonical(shown.body) if shown else b"{}",
            revision=sum(version for version, _ in ordered.values()),
            sources=canonical(ordered),
            visible=shown is not None,
        )


# safety --------------------------------------------------------------------------------------------------------------


def broken(site: Site, clients: Clients, truth: Truth) -> Iterator[str]:
    """What no waiting can mend."""
    if [one.position for one in truth.events] != list(range(1, len(truth.events) + 1)):
        yield "the positions have holes"
    versions: dict[UUID, int] = {}
    for one in truth.events:
        if one.version != versions.get(one.aggregate, 0) + 1:
            yield f"{one.id} does not come next"
        versions[one.aggregate] = one.version
    for asked in clients.asked:
        yield from _answers(asked, truth)
    yield from _nobody_asked(clients, truth)
    yield from _reactions(truth)
    yield from _topic(site, truth)


def _answers(asked: Asked, truth: Truth) -> Iterator[str]:
    """What a client was told is so."""
    command = asked.mandate.command
    stored = truth.by_command.get(command, [])
    if asked.done:
        told = sorted((str(one.id), one.version) for one in asked.done.changed)
        if told != sorted((str(one.aggregate), one.version) for one in stored):
            yield f"{asked.what} {command} was answered with {told}, the log has {[one.id for one in stored]}"
        if asked.mandate.keyed and command not in truth.commands:
            yield f"{asked.what} {command} was done and is not known"
    if asked.refused and stored:
        yield f"{asked.what} {command} was refused as {asked.refused}, the log has {[one.id for one in stored]}"
    if len({one.aggregate for one in stored}) != len(stored):
        yield f"{asked.what} {command} took effect twice"


def _nobody_asked(clients: Clients, truth: Truth) -> Iterator[str]:
    known = {one.mandate.command for one in clients.asked} | {_reaction_to(c) for c in truth.contracts}
    for command in truth.by_command:
        if command not in known:
            yield f"nobody asked for {command}"


def _that_are_answered(truth: Truth) -> Iterator[Contract]:
    for contract in truth.contracts:
        if isinstance(contract, SlipAdded) and "slip" in contract.envelope.links:
            yield contract


def _reaction_to(contract: Contract) -> UUID:
    return named_id("reaction", "records", "pass_it_on", contract.envelope.id)


def _reactions(truth: Truth) -> Iterator[str]:
    """Each event of a slip that belongs to another has one effect on that one, or one refusal."""
    effects: dict[str, list[Stored]] = {}
    for one in truth.events:
        if one.actor == "carelog:records" and one.causation:
            effects.setdefault(one.causation, []).append(one)
    for contract in _that_are_answered(truth):
        found = effects.get(contract.envelope.id, [])
        wanted = 1 if truth.commands.get(_reaction_to(contract)) == "done" else 0
        if len(found) != wanted:
            yield f"{contract.envelope.id} had {len(found)} effects instead of {wanted}"


def _topic(site: Site, truth: Truth) -> Iterator[str]:
    """Each aggregate's events, the repetitions aside, in their order; but for those that the broker lost."""
    lost = set(site.broker.dropped)
    said: dict[str, list[int]] = {}
    for record in site.broker.everything():
        headers = dict(record.headers)
        if "ce_sequence" in headers and b"." in headers.get("ce_id", b""):
            subject, version = headers["ce_subject"].decode(), int(headers["ce_sequence"])
            if version not in said.setdefault(subject, []):
                said[subject].append(version)
    kept: dict[str, list[int]] = {}
    for one in truth.events:
        kept.setdefault(str(one.aggregate), []).append(one.version)
    for subject, versions in kept.items():
        if not any(id.startswith(subject) for id in lost) and said.get(subject) != versions:
            yield f"the topic says {said.get(subject)} of {subject}, the log {versions}"


def row_count(site: Site, name: str) -> int:
    """How many rows a table has."""
    return int(site.database.run(f"SELECT count(*) AS n FROM {name}", ())[0][0]["n"])


__all__ = ["Truth", "broken", "sheets", "under_way", "unsettled"]
