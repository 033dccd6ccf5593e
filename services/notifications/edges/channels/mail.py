"""A letter as an e-mail (RFC 5322). The same letter gives the same Message-ID, so that a repeat can be told."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services.notifications.domain.letter import Letter, Undeliverable


def message_id(letter: Letter) -> str:
    return f"<{letter.id}@carelog>"


def as_mail(letter: Letter, *, sender: str) -> EmailMessage:
    """The e-mail. Raises `Undeliverable` where a header would be more than one line: nobody adds headers through us."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = sender
        mail["To"] = letter.to
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(letter.at)
        mail["Message-ID"] = message_id(letter)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
        mail.set_content(letter.body)  # takes away what begins with Content-
        mail["Content-Language"] = letter.language
    except (ValueError, UnicodeError):
        raise Undeliverable("message-refused") from None
    return mail
