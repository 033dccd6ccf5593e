"""What a service's condition comes to: a line for each thing looked at, and what to do where something is to be."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.runtime.operating.condition import Condition
from shared.runtime.operating.lag import Bus, Lag
from shared.runtime.operating.ledger import Ledger
from shared.runtime.rebuild.record import Entry

LATE = 60.0
"""seconds after which what is late is worth a look"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. `advice` is there where something is to be done about it."""

    about: str
    says: str
    advice: str = ""


def findings(of: Condition) -> list[Finding]:
    """Everything worth a line, in the order in which events go their way."""
    found = [Finding(about=engine, says=says, advice=_AWAY[engine]) for engine, says in of.away.items()]
    if of.ledger:
        found += _log(of.ledger)
    if of.bus:
        found += _topics(of.bus)
        found += _groups(of, of.bus)
    if of.ledger:
        found += [*_parked(of, of.ledger), *_standing(of.ledger), *_rebuilds(of.ledger)]
    return found


_AWAY = {
    "log": "Commands of this service are answered with 503. Is PostgreSQL up, and may we in? See its log.",
    "documents": "Lists and searches are answered with 503; nothing is lost. Is the document store up?",
    "kafka": "Nothing is lost: events wait in the log, and commands go on. Are the brokers up?",
}


def _log(of: Ledger) -> Iterator[Finding]:
    newest = "" if of.newest is None else f", the newest {duration(of.newest)} ago"
    yield Finding(about="log", says=f"{of.head:,} events{newest}, PostgreSQL {of.server}")
    relay = of.relay
    late = f"{relay.behind:,} not yet published, the oldest for {duration(relay.age)}" if relay.behind else "level"
    holder = "" if relay.renewed_ago is None else f", its holder was heard of {duration(relay.renewed_ago)} ago"
    advice = ""
    if relay.age > LATE:
        nobody = relay.holder is None and relay.renewed_ago is not None
        advice = "No relay holds the lease: start one" if nobody else "The relay is late: is Kafka up? Read its log"
    rewinds = "" if relay.rewind_to is None else f", to go back to {relay.rewind_to:,}"
    yield Finding(about="relay", says=f"at {relay.position:,}, {late}{holder}{rewinds}", advice=advice)


def _topics(of: Bus) -> Iterator[Finding]:
    for topic, messages in of.topics.items():
        if messages is None:
            yield Finding(about=topic, says="is not there", advice="Make it: carelog topics apply")


def _groups(of: Condition, bus: Bus) -> Iterator[Finding]:
    for lag in bus.lags:
        yield Finding(about=lag.group, says=_late(lag), advice=_hurry(lag))
    kept = {*of.expected, *_kept(of)}
    for group in bus.groups:
        if group not in kept and of.live is not None:
            yield Finding(about=group, says="a consumer group that no release reads as", advice=_LEFT_OVER)


_LEFT_OVER = "Left by an earlier release or a rebuild. It costs nothing; kafka-consumer-groups --delete takes it away"


def _kept(of: Condition) -> Iterator[str]:
    """Groups of generations that are being filled or kept for the way back."""
    for entry in of.ledger.rebuilds if of.ledger else ():
        if entry.dropped_at is None:
            name = f"carelog.{of.service}.{entry.projection}"
            yield name if entry.generation == 1 else f"{name}~{entry.generation}"


def _late(lag: Lag) -> str:
    members = "" if lag.members is None else f", {lag.members or 'no'} member{'' if lag.members == 1 else 's'}"
    if not lag.messages:
        return f"level{members}"
    age = "of unknown age" if lag.age is None else f"the oldest {duration(lag.age)} old"
    return f"{lag.messages:,} to apply, {age}{members}"


def _hurry(lag: Lag) -> str:
    if lag.members == 0:
        return "Nobody reads as this group: is a worker running?"
    if lag.age is not None and lag.age > LATE:
        return "It is late. Ask again in a minute: one that does not catch up has its reason in the worker's log"
    return ""


def _parked(of: Condition, ledger: Ledger) -> Iterator[Finding]:
    """What a generation that is not live has set aside goes with it."""
    for one in ledger.parked:
        told = f", {one.untold:,} not on the dead-letter topic yet" if one.untold else ""
        says = f"{one.messages:,} messages of {one.sources:,} aggregates, since {duration(one.age)}{told}"
        live = of.live is None or one.consumer in of.expected
        advice = "See them: carelog parked list" if live else ""
        yield Finding(about=f"parked for {one.consumer}", says=says + ("" if live else " (not live)"), advice=advice)


def _standing(of: Ledger) -> Iterator[Finding]:
    for hole in of.missing:
        says = f"{hole.holes:,} sources stand still, since {duration(hole.age)}"
        advice = "They heal by themselves; if not: carelog projections heal" if hole.age > LATE else ""
        yield Finding(about=f"holes in {hole.projection}", says=says, advice=advice)
    if of.overdue:
        says = f"{of.overdue:,} overdue, the oldest for {duration(of.overdue_for)}"
        yield Finding(about="timers", says=says, advice="Is a worker running?" if of.overdue_for > LATE else "")


def _rebuilds(of: Ledger) -> Iterator[Finding]:
    for entry in of.rebuilds:
        if entry.ended_at is None:
            yield Finding(about=f"rebuild of {entry.projection}", says=rebuild(entry), advice=_broken_off(entry))


def _broken_off(entry: Entry) -> str:
    return f"Go on with it: carelog projections rebuild {entry.projection}" if entry.was_broken_off else ""


def rebuild(entry: Entry) -> str:
    """How far a rebuild is, for people."""
    share = f", {entry.applied:,} of {entry.there:,} messages" if entry.there else ""
    by = f" by {entry.begun_by}" if entry.begun_by else ""
    begun = f"generation {entry.generation}, {entry.state}{share}, begun {duration(entry.age)} ago{by}"
    if entry.ended_at:
        return begun
    if entry.was_broken_off:
        return f"{begun}; broken off, silent for {duration(entry.silent_for)}"
    left = (entry.there - entry.applied) / entry.rate if entry.rate > 0 else 0.0
    return f"{begun}; {entry.rate:,.0f}/s, {duration(left)} left"


def duration(seconds: float) -> str:
    """`3.2 s`, `4 min`, `2 h 05 min`, `3 days`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f} min"
    return f"{seconds / 86_400:.0f} days"
