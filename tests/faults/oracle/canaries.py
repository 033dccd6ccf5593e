"""Words that are recorded and must be nowhere else: not in logs, not in dead letters, not in strangers' hands."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from deploy.story.cast import STRANGER
from tests.faults.grounds.ground import Ground
from tests.faults.oracle.client import Client
from tests.faults.oracle.topics import dead_letters

_PIECE = 1 << 20


def in_files(files: Sequence[Path], *, canary: str) -> Iterator[str]:
    """The files that hold the word."""
    for path in files:
        if path.is_file() and _holds(path, canary.encode()):
            yield f"{path.name} holds a canary"


def _holds(path: Path, word: bytes) -> bool:
    left = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if word in left + piece:
                return True
            left = piece[-len(word) :]
    return False


async def in_dead_letters(ground: Ground, *, canary: str) -> AsyncIterator[str]:
    """Dead letters hold ids and a class of error; no value of a message."""
    for topic, records in (await dead_letters(ground.kafka)).items():
        said = [b"".join([record.value or b"", *(value for _, value in record.headers)]) for record in records]
        if any(canary.encode() in one for one in said):
            yield f"{topic} holds a canary"


async def in_strangers_hands(client: Client, patients: Sequence[str], *, canary: str) -> AsyncIterator[str]:
    """What another organisation is answered that has no business with these patients."""
    for patient in patients:
        for service, path in _doors(patient):
            answer = await client.ask(STRANGER, "GET", service, path)
            if canary in answer.text or (answer.fine and _found(answer.body)):
                yield f"{path.partition('?')[0]} of {service} shows a stranger something ({answer.status})"


def _doors(patient: str) -> Sequence[tuple[str, str]]:
    return (
        ("records", f"/fhir/Patient/{patient}"),
        ("records", f"/patients/{patient}/timeline"),
        ("records", f"/fhir/Condition?patient={patient}"),
        ("scheduling", f"/appointments?patient={patient}"),
        ("referrals", f"/referrals?patient={patient}"),
        ("notifications", f"/messages?patient={patient}"),
    )


def _found(body: object) -> bool:
    return isinstance(body, dict) and bool(body.get("entry") or body.get("items"))
