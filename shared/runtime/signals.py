"""What operators measure of a running service: each metric's name and words, and the attribute that it is read from.

Alerts and dashboard (`deploy/monitoring`) name these; a test holds them against what a process says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from shared.runtime.bus.consumer import Consumer
from shared.runtime.bus.relay import Relay
from shared.runtime.log.committer import Committer
from shared.runtime.telemetry.metrics import Reading

if TYPE_CHECKING:
    from shared.runtime.runtime import Runtime


def announce(runtime: Runtime) -> None:
    """Gives the process's metrics all that this service can tell; what its role does not run tells nothing."""
    _of_the_process(runtime)
    _of_the_log(runtime)
    _of_the_relay(runtime)
    _of_the_consumers(runtime)
    _of_what_stands(runtime)


def _of_the_process(runtime: Runtime) -> None:
    runtime.metrics.gauge(
        "carelog.event_loop.delay",
        lambda: [(runtime.pulse.delay, {})],
        says="The longest that the event loop woke too late in the last fifteen seconds.",
        unit="s",
    )


def _of_the_log(runtime: Runtime) -> None:
    def of(read: Callable[[Committer], float]) -> Callable[[], list[Reading]]:
        return lambda: [(read(runtime.log.committer), {})]

    metrics = runtime.metrics
    metrics.gauge("carelog.append.waiting", of(lambda it: it.waiting), says="Commands that wait to be committed.")
    for name, read, says in (
        ("commands", lambda it: it.commands, "Commands stored."),
        ("events", lambda it: it.events, "Events stored."),
        ("batches", lambda it: it.batches, "Commits: each holds what was waiting."),
        ("conflicts", lambda it: it.conflicts, "Commands that another process was faster than; they ask again."),
        ("duplicates", lambda it: it.duplicates, "Commands that had been stored before."),
        ("overloads", lambda it: it.overloads, "Commands refused because too many were waiting."),
    ):
        metrics.counter(f"carelog.append.{name}", of(read), says=says)
    metrics.distribution("carelog.append.commit", lambda: runtime.log.committer.seconds, says="How long commits take.")


def _of_the_relay(runtime: Runtime) -> None:
    def of(read: Callable[[Relay], float]) -> Callable[[], list[Reading]]:
        return lambda: [(read(runtime.relay), {})] if runtime.relay else []

    metrics = runtime.metrics
    metrics.gauge("carelog.relay.active", of(lambda it: it.active), says="1 for the relay that is at work.")
    metrics.gauge("carelog.relay.position", of(lambda it: it.position), says="All up to here is on the topic.")
    metrics.gauge(
        "carelog.relay.age", of(lambda it: it.age), says="Age of the oldest event that is not on the topic.", unit="s"
    )
    metrics.gauge(
        "carelog.relay.trouble",
        of(lambda it: bool(it.trouble)),
        says="1: the topic lost what was published.",
    )
    metrics.counter("carelog.relay.published", of(lambda it: it.published), says="Events published.")
    metrics.counter(
        "carelog.relay.interruptions", of(lambda it: it.interruptions), says="Times the broker or database was away."
    )


def _of_the_consumers(runtime: Runtime) -> None:
    def of(read: Callable[[Consumer], float]) -> Callable[[], Iterable[Reading]]:
        def readings() -> Iterable[Reading]:
            for consumer in list(runtime.workers.consumers.values()) if runtime.workers else ():
                yield read(consumer), {"consumer": consumer.group}

        return readings

    metrics = runtime.metrics
    metrics.gauge(
        "carelog.consumer.lag", of(lambda it: it.lag), says="Age of the oldest event that is not applied.", unit="s"
    )
    for name, read, says in (
        ("applied", lambda it: it.applied, "Events handled."),
        ("batches", lambda it: it.batches, "Batches handled."),
        ("retries", lambda it: it.retries, "Tries that had to be made again."),
    ):
        metrics.counter(f"carelog.consumer.{name}", of(read), says=says)


def _of_what_stands(runtime: Runtime) -> None:
    standing, metrics = runtime.standing, runtime.metrics
    metrics.gauge(
        "carelog.parked.events",
        lambda: [(count, {"consumer": name}) for name, count in standing.parked.items()],
        says="Events that are set aside until they are replayed.",
    )
    metrics.gauge(
        "carelog.holes",
        lambda: [(count, {"projection": name}) for name, count in standing.holes.items()],
        says="Documents that miss an event and wait for it.",
    )
    metrics.gauge(
        "carelog.dead_letters.untold",
        lambda: [(standing.untold, {})],
        says="Parked events that are not on their dead-letter topic yet.",
    )
    metrics.gauge(
        "carelog.timers.overdue",
        lambda: [(standing.overdue, {})],
        says="How late the oldest timer is that should have been called.",
        unit="s",
    )
