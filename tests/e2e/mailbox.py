"""Where the messages of a set-up arrive: the outbox in the home, or a server that takes mail."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_binary_file, message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Protocol

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.ports import chosen_ports


class Mailbox(Protocol):
    @property
    def channel(self) -> str | None:
        """What CARELOG_CHANNEL names; None: the system's own choice."""

    def letters(self) -> Sequence[Message]:
        """All that has arrived, repeats too."""


@dataclass
class Outbox:
    folder: Path
    channel: str | None = None

    def letters(self) -> list[Message]:
        found = []
        for path in sorted(self.folder.glob("*.eml")):
            with path.open("rb") as file:
                found.append(message_from_binary_file(file))
        return found


@dataclass
class MailServer:
    channel: str | None = None
    taken: list[bytes] = field(default_factory=list)

    def letters(self) -> list[Message]:
        return [message_from_bytes(letter) for letter in self.taken]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        self.taken.append(content if isinstance(content, bytes) else str(content).encode())
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    port = chosen_ports(said="0")["notifications"]
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        server.channel = f"smtp://127.0.0.1:{port}?starttls=never"
        yield server
    finally:
        controller.stop()
