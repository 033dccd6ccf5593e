"""Everything that can be answered with no, as one tree.

CarelogError
├── Invalid      422  the request does not say something that can be done; names the fields
├── Refused      409  an aggregate's rule says no; domains subclass it, one class a rule
├── NotFound     404  there is no such thing, or it is not the caller's to know
├── Gone         410  it was here, and has been retracted; its history stays
├── Denied       403  the caller's role may not do this at all
├── Stale        412  the thing has changed since the caller read it
├── TooLarge     413  more than a request, or an event, may hold
└── Unavailable  503  not now: ask again later

No error shows a submitted value or anything of a patient: fields, codes and ids only.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is wrong: where it stands (`participant[0].start`, a FHIRPath-like expression) and what rule it
    breaks.
    """

    name: str
    message: str
    code: str = "invalid"


class CarelogError(Exception):
    """The root. `status` is its HTTP status, `code` its stable name, `detail` what the caller can do."""

    status = 500
    title = "Internal error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or (type(self).__doc__ or self.title).split("\n", 1)[0]

    @property
    def code(self) -> str:
        return type(self).__name__


class Invalid(CarelogError):
    """The request is not valid."""

    status = 422
    title = "Invalid request"

    def __init__(self, *fields: Field, detail: str = "") -> None:
        super().__init__(detail or "; ".join(f"{field.name}: {field.message}" for field in fields[:5]))
        self.fields: Sequence[Field] = fields


class Refused(CarelogError):
    """The rules of the thing do not allow this now."""

    status = 409
    title = "Refused"


class NotFound(CarelogError):
    """There is no such thing here."""

    status = 404
    title = "Not found"


class Gone(CarelogError):
    """It was retracted: its history says what it was, and why."""

    status = 410
    title = "Gone"


class Denied(CarelogError):
    """Your role does not allow this."""

    status = 403
    title = "Denied"


class Stale(CarelogError):
    """It has changed since you read it: read it again."""

    status = 412
    title = "Stale"


class TooLarge(CarelogError):
    """It is larger than what can be taken."""

    status = 413
    title = "Too large"


class Unavailable(CarelogError):
    """Not now: try again in a moment."""

    status = 503
    title = "Unavailable"
