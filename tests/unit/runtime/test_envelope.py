"""An envelope as headers and back: whatever is not whole is refused, and nothing is read otherwise than it was said."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.contracts.envelope import Envelope, from_headers, to_headers

PATIENT = UUID("0190a1b2-0000-7000-8000-00000000abcd")
SUBJECT = UUID("0190a1b2-0000-7000-8000-0000000000ef")
FULL = Envelope(
    id=f"{SUBJECT}.3",
    type="referrals.referral.sent.v1",
    source="/carelog/referrals",
    subject=SUBJECT,
    time=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    recordedtime=datetime(2026, 3, 1, 12, 30, 1, 250_000, tzinfo=UTC),
    sequence=3,
    position="1.77",
    key=str(PATIENT),
    organization="nördliche-klinik",
    actor="somebody",
    role="clinician",
    purpose="TREAT",
    commandid=UUID(int=1),
    correlationid=UUID(int=2),
    patient=PATIENT,
    causationid=f"{SUBJECT}.2",
    origin="history",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    dataschema="urn:carelog:schema:referrals.referral.sent.v1",
    links={"encounter": str(UUID(int=3))},
)
NEEDED = ("id", "type", "source", "subject", "time", "recordedtime", "sequence", "position", "organization", "actor",
          "role", "purpose", "commandid", "correlationid")  # fmt: skip


def read(headers: dict[str, bytes | None], *, key: str = str(PATIENT)) -> Envelope:
    return from_headers(list(headers.items()), key=key.encode())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "envelope",
    [
        FULL,
        replace(FULL, patient=None, key=str(SUBJECT), causationid=None, traceparent=None, links={}),
        replace(FULL, origin="live", dataschema=""),
    ],
    ids=["with all there can be", "of nobody", "with what goes without saying"],
)
def test_an_envelope_comes_back_as_it_went(envelope: Envelope) -> None:
    found = from_headers(to_headers(envelope), key=envelope.key.encode())
    assert found == envelope
    assert (found.subject_id, found.patient_id) == (envelope.subject_id, envelope.patient_id)
    assert found.aggregate == "referrals.referral"


def test_headers_of_others_are_left_alone() -> None:
    assert read({**dict(to_headers(FULL)), "x-own": b"\xff"}) == FULL


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_and_absent_is_refused(name: str) -> None:
    headers = dict(to_headers(FULL))
    del headers[f"ce_{name}"]
    with pytest.raises(ValueError, match="not a Carelog message"):
        read({**headers})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_subject", b"not-an-id"),
        ("ce_subject", b"0190a1b2 0000-7000-8000-0000000000ef"),
        ("ce_patient", b""),
        ("ce_commandid", b"7"),
        ("ce_correlationid", b"\xff"),
        ("ce_time", b"yesterday"),
        ("ce_recordedtime", b""),
        ("ce_sequence", b"three"),
        ("ce_actor", b"some\x00body"),
        ("ce_role", None),
    ],
)
def test_what_is_malformed_is_refused_without_being_repeated(name: str, value: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"^not a Carelog message: [A-Za-z]+$"):
        read({**dict(to_headers(FULL)), name: value})


def test_an_id_in_another_form_is_the_same_id() -> None:
    """A subscriber may write what it republishes in capitals: ours is ours."""
    found = read({**dict(to_headers(FULL)), "ce_subject": str(SUBJECT).upper().encode()})
    assert found.subject == SUBJECT
    assert found.subject_id == str(SUBJECT)
