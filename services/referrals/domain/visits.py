"""The visits of a referral: which one is known, and how far its appointments have been listened to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.kernel import AggregateId, Refused


class AnotherVisit(Refused):
    """The referral's visit is another one: it was scheduled anew, or never through this appointment."""


class Outdated(Refused):
    """A later word of the same appointment came first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visit as somebody speaks of it: by its appointment, its time, or both.

    `sequence` is the version of the appointment where that speaks itself; None: it is the recipient's own word.
    """

    appointment: AggregateId | None = None
    start: datetime | None = None
    sequence: int | None = None

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return self.appointment is not None or self.start is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """What a referral knows of its visits."""

    known: Visit | None = None
    heard: Mapping[AggregateId, int] = field(default_factory=dict)

    def to_come(self, visit: Visit | None) -> Visit | None:
        """The visit that is scheduled, at the time that is known where it does not say another. Raises `Outdated`."""
        if not visit:
            return None
        self._listen(visit)
        same = self.known is not None and visit.appointment is not None and visit.appointment == self.known.appointment
        return replace(visit, start=self.known.start) if same and self.known and visit.start is None else visit

    def meant(self, visit: Visit | None) -> Visit:
        """The known visit, where somebody speaks of it or of none. Raises `Outdated` and `AnotherVisit`."""
        known = self.known or Visit()
        if not visit or visit.appointment is None:
            return known
        self._listen(visit)
        if visit.appointment != known.appointment:
            raise AnotherVisit
        return visit

    def of(self, appointment: AggregateId) -> bool:
        """Whether this is, or was, one of them."""
        return appointment in self.heard or (self.known is not None and self.known.appointment == appointment)

    def knowing(self, visit: Visit) -> "Visits":
        """With this visit as the known one."""
        return replace(self, known=replace(visit, sequence=None)).hearing(visit)

    def hearing(self, visit: Visit) -> "Visits":
        """Having listened to this visit's appointment."""
        if visit.appointment is None:
            return self
        sequence = visit.sequence or self.heard.get(visit.appointment, 0)
        return replace(self, heard={**self.heard, visit.appointment: sequence})

    def _listen(self, visit: Visit) -> None:
        """What an appointment says may arrive in another order than it was said in."""
        if visit.appointment and visit.sequence and visit.sequence <= self.heard.get(visit.appointment, 0):
            raise Outdated
