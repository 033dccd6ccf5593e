"""The library's own recorder in its fast mode, database functions, which take no lock: what a follower of it loses.

Kept small: each writer is a process, which has to import it.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

_BULK, _BULKS, _BULK_WRITERS = 3_000, 2, 4
_SINGLES, _SINGLE_WRITERS = 200, 2


def lost_by_the_library(dsn: str) -> int:
    """How many of the events a follower of the library's log has missed for ever.

    Writers are processes: making 3,000 events for the database would keep threads of one process from one another.
    """
    recorder = _recorder(dsn)
    recorder.create_table()
    seen: set[int] = set()
    with ProcessPoolExecutor(_BULK_WRITERS + _SINGLE_WRITERS, mp_context=get_context("spawn")) as writers:
        bulk = [writers.submit(_insert_bulks, dsn) for _ in range(_BULK_WRITERS)]
        single = [writers.submit(_insert_singly, dsn) for _ in range(_SINGLE_WRITERS)]
        while not all(one.done() for one in (*bulk, *single)):
            _follow_library(recorder, seen)
        for one in (*bulk, *single):
            one.result()
    _follow_library(recorder, seen)
    return _missing(recorder, seen)


def _recorder(dsn: str) -> PostgresApplicationRecorder:
    host = parse_qs(urlsplit(dsn).query)["host"][0]
    datastore = PostgresDatastore(
        "library", host, "5432", "postgres", "", originator_id_type="uuid", enable_db_functions=True
    )
    recorder = PostgresApplicationRecorder(datastore)
    datastore.register_type_adapters()
    return recorder


def _insert_bulks(dsn: str) -> None:
    recorder = _recorder(dsn)
    for _ in range(_BULKS):
        _insert(recorder, uuid4(), _BULK)


def _insert_singly(dsn: str) -> None:
    recorder, id = _recorder(dsn), uuid4()
    for version in range(1, _SINGLES):
        _insert(recorder, id, 1, version)


def _insert(recorder: PostgresApplicationRecorder, id: UUID, number: int, first: int = 1) -> None:
    recorder.insert_events([StoredEvent(id, first + n, "counted", b"x" * 200) for n in range(number)])


def _follow_library(recorder: PostgresApplicationRecorder, seen: set[int]) -> None:
    while found := recorder.select_notifications(max(seen, default=0), 1_000, inclusive_of_start=False):
        seen.update(one.id for one in found)


def _missing(recorder: PostgresApplicationRecorder, seen: set[int]) -> int:
    missed = 0
    at = 0
    while found := recorder.select_notifications(at, 5_000, inclusive_of_start=False):
        missed += sum(one.id not in seen for one in found)
        at = found[-1].id
    return missed
