"""The mistakes: each has been made by somebody, and each would lose, double or reorder something."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from shared.runtime.documents.port import Document
from shared.runtime.json import loads
from shared.runtime.log.appending import FUNCTIONS
from shared.runtime.mandate import fresh_id
from tests.mutants.mutation import Change, Outdated


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mistake, in plain words and in code. `tests`: those that should find it besides the simulation."""

    name: str
    says: str
    changes: Sequence[Change]
    simulated: bool = True
    tests: Sequence[str] = ()

    @contextmanager
    def made(self) -> Iterator[None]:
        """The mistake is there, in this process. Raises `Outdated`."""
        with ExitStack() as stack:
            for change in self.changes:
                stack.enter_context(change.made())
            yield


def is_news(stored: Document | None, written: Document) -> bool:
    """The guard as it is often written: some source is seen here for the first time at this version."""
    if stored is None or written.sources == b"{}":
        return (stored.revision if stored else 0) < written.revision
    seen = loads(stored.sources)
    return any(version > seen.get(source, [0])[0] for source, (version, _) in loads(written.sources).items())


def without_lock(functions: str) -> str:
    """The append functions as they would be without the line that makes them wait. Raises `Outdated`."""
    line = "PERFORM pg_advisory_xact_lock(4772210, hashtext(current_schema()));"
    if functions.count(line) != _APPENDS:
        raise Outdated("the append functions do not take the lock where they did")
    return functions.replace(line, "")


_PROJECTING = "tests/unit/runtime/test_projecting.py"
_DOCUMENTS = "tests/integration/documents/test_documents.py"
_CONSUMER = "tests/integration/runtime/test_consumer.py"
_REACTIONS = "tests/integration/runtime/test_reactions.py"
_LOSES = "test_a_write_at_another_revision_loses_and_changes_nothing"
_APPENDS = 2
_GUARD = "(there.document.revision if there else None) == write.base"
_MEMORY = "shared.runtime.documents.memory:MemoryDocuments.write"

MUTANTS: Sequence[Mutant] = (
    Mutant(
        name="no guard at all",
        says="a document is written over whatever was written since it was read",
        changes=[
            Change(where=_MEMORY, instead_of=_GUARD, this="True"),
            Change(
                where="shared.runtime.documents.postgres.tables:Table.write",
                instead_of="WHERE stored.revision = excluded.base",
                this="WHERE true",
            ),
        ],
        tests=(_PROJECTING, *(f"{_DOCUMENTS}::Test{store}::{_LOSES}" for store in ("Memory", "Postgres"))),
    ),
    Mutant(
        name="a guard of its own source alone",
        says="a document is written where the version of the event's own source is higher, whatever the others' are",
        changes=[
            Change(
                where=_MEMORY,
                instead_of=_GUARD,
                this="is_news(there.document if there else None, write.document)",
                needs={"is_news": is_news},
            )
        ],
        tests=(_PROJECTING, f"{_DOCUMENTS}::TestMemory::{_LOSES}"),
    ),
    Mutant(
        name="offset before write",
        says="a consumer commits its offsets, and then applies the messages",
        changes=[
            Change(
                where="shared.runtime.bus.consumer:Consumer._handle",
                instead_of="    await self._handling.handle(",
                this="    await _commit(inlet, {one: batch[-1].offset + 1 for one, batch in records.items()})\n"
                "    await self._handling.handle(",
            )
        ],
        tests=(f"{_CONSUMER}::test_while_what_it_needs_is_away_it_waits_and_then_goes_on_in_order",),
    ),
    Mutant(
        name="position before acknowledgement",
        says="a relay saves its position, and then publishes",
        changes=[
            Change(
                where="shared.runtime.bus.relay:Relay._tell",
                instead_of="    await outlet.publish(batch.parted)\n",
                this="    self.position = batch.last\n    await self._save()\n    await outlet.publish(batch.parted)\n",
            )
        ],
        tests=("tests/unit/runtime/test_relay.py",),
    ),
    Mutant(
        name="no lock in the append",
        says="appends number their rows without waiting for one another",
        changes=[
            Change(
                where="shared.runtime.log.log:Log.start",
                instead_of="await prepare(connection)",
                this="await prepare(connection); await connection.execute(without_lock(FUNCTIONS))",
                needs={"without_lock": without_lock, "FUNCTIONS": FUNCTIONS},
            )
        ],
        simulated=False,
        tests=("tests/mutants/test_append_lock.py",),
    ),
    Mutant(
        name="a hole stepped over",
        says="a document goes on with a version though the one before it has not come",
        changes=[
            Change(
                where="shared.runtime.projecting:DocumentApplier._fold",
                instead_of="if envelope.sequence > seen + 1:",
                this="if False:",
            )
        ],
        tests=(_PROJECTING,),
    ),
    Mutant(
        name="a parked event overtaken",
        says="what comes after a message that was set aside is applied without it",
        changes=[
            Change(
                where="shared.runtime.bus.handling:Handling._sorted",
                instead_of="if heard and heard.source in stuck:",
                this="if False:",
            )
        ],
        tests=(f"{_CONSUMER}::test_what_cannot_be_applied_waits_with_what_follows_until_it_is_wanted_again",),
    ),
    Mutant(
        name="a fresh command id",
        says="a reaction gives its command a new id at each delivery",
        changes=[
            Change(
                where="shared.runtime.bus.reactor:Reactor._mandate",
                instead_of="command=self._command(reaction, cause)",
                this="command=fresh_id()",
                needs={"fresh_id": fresh_id},
            )
        ],
        tests=(f"{_REACTIONS}::test_a_reaction_answers_an_event_once_however_often_it_comes",),
    ),
    Mutant(
        name="a retraction deletes",
        says="a document that is not to be seen any more is deleted, and what it had seen with it",
        changes=[
            Change(
                where=_MEMORY,
                instead_of="    rows[write.document.id] = _row(collection, write.document)\n",
                this="    rows[write.document.id] = _row(collection, write.document)\n"
                "            if there and there.document.visible and not write.document.visible:\n"
                "                del rows[write.document.id]\n",
            )
        ],
        tests=(_PROJECTING,),
    ),
)
