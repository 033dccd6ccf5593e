"""The channels: what they carry, what they answer, and that the same letter twice can be told."""

import asyncio
import email
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP as SmtpServer  # noqa: N811
from aiosmtpd.smtp import AuthResult

from services.notifications.domain.letter import Channel, Letter, Undeliverable
from services.notifications.edges.channels.folder import Folder
from services.notifications.edges.channels.mail import as_mail
from services.notifications.edges.channels.port import channel_at
from services.notifications.edges.channels.smtp import Smtp
from tests.support.scenario import SOME_TIME

SENDER = "carelog@example.org"
LETTER = Letter(
    id=UUID("00000000-0000-7000-8000-000000000001"),
    to="ann@example.org",
    subject="Ein neuer Termin",
    body="Sie haben einen neuen Termin am Montag, 2. März 2026, um 09:05 Uhr: Melden Sie sich an, um ihn zu sehen.",
    language="de",
    at=SOME_TIME,
)


class Mailbox:
    """A server's side: keeps what came, and refuses what the test says."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.to_recipient = ""
        self.to_data = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.to_recipient:
            return self.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.to_data:
            return self.to_data
        self.recipients += envelope.rcpt_tos
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@asynccontextmanager
async def listening(make: Callable[[], asyncio.BaseProtocol]) -> AsyncIterator[int]:
    """A server on a free port of this machine."""
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def smtp_at(port: int, *, options: str = "?starttls=never", timeout: float = 5.0) -> Channel:
    return channel_at(f"smtp://127.0.0.1:{port}{options}", sender=SENDER, timeout=timeout)


async def refused(channel: Channel, *, letter: Letter = LETTER) -> str:
    with pytest.raises(Undeliverable) as undeliverable:
        await channel.deliver(letter)
    assert letter.to not in str(undeliverable.value)
    return undeliverable.value.reason


# an SMTP server --------------------------------------------------------------------------------------------------


async def test_a_letter_arrives_at_an_smtp_server_as_it_was_written() -> None:
    box = Mailbox()
    async with listening(lambda: SmtpServer(box)) as port:
        await smtp_at(port).deliver(LETTER)
    [mail] = box.mails
    assert box.recipients == [mail["To"]] == ["ann@example.org"]
    assert (mail["From"], mail["Subject"], mail["Content-Language"]) == (SENDER, LETTER.subject, "de")
    assert mail.get_content().strip() == LETTER.body
    assert mail.get_content_type() == "text/plain"
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_the_same_letter_twice_has_one_message_id_and_another_letter_another() -> None:
    box = Mailbox()
    async with listening(lambda: SmtpServer(box)) as port:
        for letter in (LETTER, LETTER, replace(LETTER, id=UUID(int=2))):
            await smtp_at(port).deliver(letter)
    first, again, other = (mail["Message-ID"] for mail in box.mails)
    assert first == again == f"<{LETTER.id}@carelog>"
    assert other != first


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("550 5.1.1 no such user ann@example.org", "recipient-refused"),
        ("450 4.2.1 mailbox busy", "not-now"),
    ],
)
async def test_a_refused_recipient_is_final_unless_it_is_for_now(answer: str, reason: str) -> None:
    box = Mailbox()
    box.to_recipient = answer
    async with listening(lambda: SmtpServer(box)) as port:
        assert await refused(smtp_at(port)) == reason
    assert box.mails == []


@pytest.mark.parametrize(("answer", "reason"), [("554 5.7.1 no", "message-refused"), ("451 4.3.0 later", "not-now")])
async def test_a_refused_letter_is_final_unless_it_is_for_now(answer: str, reason: str) -> None:
    box = Mailbox()
    box.to_data = answer
    async with listening(lambda: SmtpServer(box)) as port:
        assert await refused(smtp_at(port)) == reason


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert await refused(smtp_at(taken.getsockname()[1])) == "unreachable"


async def test_a_server_that_says_nothing_runs_out_of_time() -> None:
    async with listening(asyncio.Protocol) as port:
        assert await refused(smtp_at(port, timeout=0.2)) == "timeout"


async def test_a_server_that_hangs_up_is_unreachable() -> None:
    class HangsUp(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    async with listening(HangsUp) as port:
        assert await refused(smtp_at(port)) == "unreachable"


async def test_a_server_that_speaks_something_else_is_unreachable() -> None:
    class Babbles(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.write(b"HTTP/1.1 200 OK\r\n\r\n")  # type: ignore[attr-defined]

    async with listening(Babbles) as port:
        assert await refused(smtp_at(port)) == "unreachable"


async def test_without_encryption_nothing_is_said_unless_the_address_allows_it() -> None:
    box = Mailbox()
    async with listening(lambda: SmtpServer(box)) as port:
        assert await refused(smtp_at(port, options="")) == "not-admitted"
    assert box.mails == []


async def test_a_user_whom_the_server_does_not_know_is_not_admitted() -> None:
    async with listening(lambda: SmtpServer(Mailbox(), auth_require_tls=False, authenticator=_nobody)) as port:
        channel = channel_at(f"smtp://ann@127.0.0.1:{port}?starttls=never", sender=SENDER, password="wrong")
        assert await refused(channel) == "not-admitted"


def _nobody(*_: Any) -> AuthResult:
    return AuthResult(success=False, handled=False)


# a folder --------------------------------------------------------------------------------------------------------


async def test_a_letter_is_a_file_in_the_folder_that_only_its_owner_reads(tmp_path: Path) -> None:
    await channel_at(f"folder:{tmp_path}/letters", sender=SENDER).deliver(LETTER)
    [file] = (tmp_path / "letters").iterdir()
    assert file.name == f"{LETTER.id}.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert mail["To"] == "ann@example.org"
    assert mail["Message-ID"] == f"<{LETTER.id}@carelog>"


async def test_the_same_letter_again_is_the_same_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path, sender=SENDER)
    await asyncio.gather(*(folder.deliver(LETTER) for _ in range(5)))
    await folder.deliver(replace(LETTER, id=UUID(int=2)))
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([f"{UUID(int=2)}.eml", f"{LETTER.id}.eml"])


async def test_a_folder_that_cannot_be_written_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert await refused(Folder(tmp_path / "file", sender=SENDER)) == "unreachable"


async def test_a_letter_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / f"{LETTER.id}.eml").mkdir()
    assert await refused(Folder(tmp_path, sender=SENDER)) == "unreachable"
    assert [file.name for file in tmp_path.iterdir()] == [f"{LETTER.id}.eml"]


# nobody adds headers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["\r\nBcc: all@example.org", "\nBcc: all@example.org", "\rBcc: all@example.org"])
@pytest.mark.parametrize("where", ["to", "subject", "language"])
async def test_a_line_break_never_makes_a_header(where: str, ending: str, tmp_path: Path) -> None:
    letter = replace(LETTER, **{where: getattr(LETTER, where) + ending})
    assert await refused(Folder(tmp_path, sender=SENDER), letter=letter) == "message-refused"
    assert list(tmp_path.iterdir()) == []


def test_a_line_break_in_the_body_stays_in_the_body() -> None:
    mail = as_mail(replace(LETTER, body="Hello\r\n\r\nBcc: all@example.org\r\n.\r\nMAIL FROM:<x>"), sender=SENDER)
    assert mail["Bcc"] is None
    assert mail.as_bytes().index(b"\r\n\r\n") < mail.as_bytes().index(b"Bcc")


# the address of a channel ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("folder:/var/letters", Folder),
        ("folder:letters", Folder),
        ("smtp://mail.example.org", Smtp),
        ("smtps://ann:secret@mail.example.org:465", Smtp),
    ],
)
def test_a_channel_is_chosen_by_its_address(address: str, expected: type) -> None:
    assert isinstance(channel_at(address, sender=SENDER), expected)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "folder:",
        "folder://host/path",
        "smtp://",
        "smtp:mail.example.org",
        "smtp://mail.example.org:port",
        "smtp://mail.example.org/path",
        "smtp://mail.example.org?starttls=maybe",
        "smtp://mail.example.org?tls=never",
        "http://mail.example.org",
        "smtp://ann:s3cret@mail.example.org:99999",
        "smtp://[mail",
    ],
)
def test_what_is_no_address_of_a_channel_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(ValueError) as refusal:
        channel_at(address, sender=SENDER)
    assert "s3cret" not in str(refusal.value)
