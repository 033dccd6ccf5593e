"""Which channel carries the letters, by its address: `folder:<path>` or `smtp://[user[:password]@]host[:port]`.

An SMTP server must offer STARTTLS, unless the address ends in `?starttls=never` (a server on the same machine);
`smtps://` is encrypted from the first byte (RFC 8314). A password may also be given apart, as a secret of its own.
"""

from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from services.notifications.domain.letter import Channel
from services.notifications.edges.channels.folder import Folder
from services.notifications.edges.channels.smtp import Smtp

_SUBMISSION = 587
_SUBMISSIONS = 465


def channel_at(address: str, *, sender: str, password: str | None = None, timeout: float = 20.0) -> Channel:
    """The channel at this address. Raises `ValueError`, without the address, where it is none."""
    parts = urlsplit(address)
    match parts.scheme:
        case "folder" if parts.path and not parts.netloc:
            return Folder(Path(unquote(parts.path)), sender=sender)
        case "smtp" | "smtps" if parts.hostname and parts.path in ("", "/"):
            return _smtp(parts, sender=sender, password=password, timeout=timeout)
        case _:
            raise ValueError("must be folder:<path> or smtp://host:port")


def _smtp(parts: SplitResult, *, sender: str, password: str | None, timeout: float) -> Smtp:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls = options.pop("starttls", "required")
    if options or starttls not in ("required", "never"):
        raise ValueError("may have one option, starttls=required or starttls=never")
    encrypted = parts.scheme == "smtps"
    return Smtp(
        host=str(parts.hostname),
        port=parts.port or (_SUBMISSIONS if encrypted else _SUBMISSION),
        encrypted=encrypted,
        starttls=starttls == "required" and not encrypted,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else password,
        sender=sender,
        timeout=timeout,
    )
