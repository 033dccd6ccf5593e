"""Records' doors, as the import uses them: patient with a service that is away, and clear about what is refused."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, time
from typing import Any

import httpx

from deploy.importing.parcel import Parcel
from deploy.trouble import Trouble
from shared.runtime.json import loads

_AWAY = frozenset({502, 503, 504})
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_MOST_REASONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One `status` and `location` for each entry. `repeated`: all of it had been brought in before.

    `reasons`: why single entries of a batch were refused.
    """

    statuses: Sequence[str]
    locations: Sequence[str]
    repeated: bool
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    reasons: Sequence[str]


class Door:
    """`patience`: seconds for which a service may be away before the import gives up."""

    def __init__(self, *, client: httpx.AsyncClient, patience: float = 120.0) -> None:
        self._client = client
        self._patience = patience

    async def send(self, parcel: Parcel) -> Accepted | Refused:
        """Raises `Trouble` where the service stays away, or does not take the token."""
        began = time()
        headers = {
            "Idempotency-Key": parcel.key,
            "Carelog-Origin": "history",
            "Content-Type": "application/fhir+json",
        }
        said = await self._insist("POST", "/fhir", headers=headers, content=parcel.body)
        if said.status_code == 200:
            entries = [entry["response"] for entry in loads(said.content)["entry"]]
            locations = [entry.get("location", "") for entry in entries]
            repeated = await self._was_there(locations, before=began)
            statuses = [entry["status"] for entry in entries]
            refused = [entry for entry in entries if not entry["status"].startswith("2")]
            return Accepted(statuses=statuses, locations=locations, repeated=repeated, reasons=_first_reasons(refused))
        if said.status_code in (401, 403):
            raise Trouble(f"Records does not let the import in ({said.status_code}): is this the home of its issuer?")
        return Refused(reasons=_reasons(_outcome(said), said.status_code))

    async def visible(self, *, patient: str, versions: Sequence[str]) -> None:
        """Returns when the patient's timeline and the searches show these versions, `<id>.<version>`."""
        headers = {"Carelog-Wait-For": ", ".join(versions)}
        asked = {f"/patients/{patient}/timeline": {"limit": "1"}, "/fhir/Patient": {"_id": patient, "_count": "1"}}
        for path, params in asked.items():
            said = await self._insist("GET", path, headers=headers, params=params)
            if said.status_code != 200:
                raise Trouble(f"What came in cannot be read yet: {path} answers {said.status_code}.")

    async def _was_there(self, locations: Sequence[str], *, before: float) -> bool:
        """Whether the first of them was created before we asked: then this is the answer of an earlier time."""
        created = next((where for where in locations if where.endswith("/_history/1")), None)
        if created is None:
            return False
        said = await self._insist("GET", f"/fhir/{created}", headers={})
        if said.status_code != 200:
            return False
        return _instant(loads(said.content)["meta"]["lastUpdated"]) < before

    async def _insist(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        deadline, pause = monotonic() + self._patience, _FIRST_PAUSE
        while True:
            said = await self._once(method, path, headers, content, params)
            if said is not None and said.status_code not in _AWAY:
                return said
            if monotonic() > deadline:
                raise Trouble(
                    f"Records has not answered for {self._patience:.0f} s. Import again: nothing comes twice."
                )
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _once(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
        params: Mapping[str, str] | None,
    ) -> httpx.Response | None:
        try:
            return await self._client.request(method, path, headers=headers, content=content, params=params)
        except httpx.TransportError:
            return None


def _outcome(said: httpx.Response) -> Mapping[str, Any]:
    try:
        outcome = loads(said.content)
    except ValueError:
        return {}
    return outcome if isinstance(outcome, dict) else {}


def _first_reasons(refused: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the first entries of a batch that were refused."""
    some = refused[:_MOST_REASONS]
    told = [why for entry in some for why in _reasons(entry.get("outcome") or {}, entry["status"])]
    return [*told, f"and {len(refused) - len(some)} more entries"] if len(refused) > len(some) else told


def _reasons(outcome: Mapping[str, Any], status: object) -> list[str]:
    """Of an OperationOutcome the fields and rules; of anything else its status."""
    issues = outcome.get("issue", [])
    told = [_reason(issue) for issue in issues[:_MOST_REASONS]]
    more = [f"and {len(issues) - len(told)} more"] if len(issues) > len(told) else []
    return [*told, *more] or [f"answered {status}"]


def _reason(issue: Mapping[str, Any]) -> str:
    where = ", ".join(issue.get("expression", ()))
    what = issue.get("diagnostics") or issue.get("code", "")
    return f"{where} {what}".strip()


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
