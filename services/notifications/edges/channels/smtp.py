"""An SMTP server (RFC 5321) that takes letters on their way. One connection for each letter."""

import asyncio
import ssl

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    send,
)

from services.notifications.domain.letter import Letter, Reason, Undeliverable
from services.notifications.edges.channels.mail import as_mail

_FOR_GOOD = range(500, 600)
"""replies that another try does not change (RFC 5321, 4.2.1); 4xx is for now"""


class Smtp:
    """What a server answers is kept as one of our own reasons: its words may quote the address.

    - `encrypted`: from the first byte; `starttls`: required before anything is said. Neither: in the clear.
    - `timeout`: seconds for all of it.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        encrypted: bool,
        starttls: bool,
        user: str | None,
        password: str | None,
        sender: str,
        timeout: float,
    ) -> None:
        self._host = host
        self._port = port
        self._encrypted = encrypted
        self._starttls = starttls
        self._user = user
        self._password = password
        self._sender = sender
        self._timeout = timeout

    async def deliver(self, letter: Letter) -> None:
        """Returns when the server has taken it. Raises `Undeliverable`."""
        mail = as_mail(letter, sender=self._sender)
        try:
            async with asyncio.timeout(self._timeout):
                await send(
                    mail,
                    sender=self._sender,
                    recipients=[letter.to],
                    hostname=self._host,
                    port=self._port,
                    username=self._user,
                    password=self._password,
                    use_tls=self._encrypted,
                    start_tls=self._starttls,
                    timeout=self._timeout,
                )
        except (SMTPException, OSError, ValueError) as error:
            raise Undeliverable(_reason(error)) from None


def _reason(error: Exception) -> Reason:
    match error:
        case SMTPRecipientsRefused(recipients=[refused, *_]):
            return "recipient-refused" if refused.code in _FOR_GOOD else "not-now"
        case SMTPDataError():
            return "message-refused" if error.code in _FOR_GOOD else "not-now"
        case SMTPSenderRefused():
            return "sender-refused" if error.code in _FOR_GOOD else "not-now"
        case SMTPAuthenticationError() | SMTPNotSupported() | ssl.SSLError():
            return "not-admitted"
        case TimeoutError():
            return "timeout"
        case ValueError():
            return "message-refused"
        case SMTPException() if type(error) is SMTPException:
            return "not-admitted"  # the library's words for STARTTLS or AUTH that are not offered
        case _:
            return "unreachable"
