"""OpenTelemetry metrics of one process, in Prometheus' text form. Names, ids of groups and counts; never a payload.

Most are read when they are asked for, from plain attributes of what does the work: counting costs the work nothing.
The provider is ours and not the process's global one: libraries that count by themselves would put addresses into it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.runtime.durations import STEPS, Durations

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4

Labels = Mapping[str, str]
Reading = tuple[float, Labels]
"""a value and what tells it from its siblings"""
Read = Callable[[], Iterable[Reading]]
Record = Callable[[float, Labels], None]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""bounds of the buckets of times"""

_PROCESS = ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds")


class Metrics:
    """The instruments of one process; each name is given once.

    `carelog.relay.age` in seconds is `carelog_relay_age_seconds` to Prometheus; counters end in `_total`.
    """

    def __init__(self, *, service: str) -> None:
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(
            disable_target_info=True,
            scope_info_enabled=False,
            resource_attribute_filter=lambda name: name == "service",
            registry=self._registry,
        )
        named = Resource.create({"service.name": f"carelog-{service}", "service": service})
        self._provider = MeterProvider(metric_readers=[reader], resource=named, shutdown_on_exit=False)
        self._meter = self._provider.get_meter("carelog")
        self._names = set(_PROCESS)
        self._service = service
        ProcessCollector(registry=self._registry)

    @property
    def names(self) -> Collection[str]:
        """What Prometheus may ask for, whether there is a value for it just now or not."""
        return self._names

    def gauge(self, name: str, read: Read, *, says: str, unit: str = "") -> None:
        """What is so just now; `read` is called at each look and must not wait."""
        self._names.add(_exposed(name, unit))
        self._meter.create_observable_gauge(name, [_reading(read)], unit, says)

    def counter(self, name: str, read: Read, *, says: str, unit: str = "") -> None:
        """How often something has happened since the process began; `read` gives the sums."""
        self._names.add(f"{_exposed(name, unit)}_total")
        self._meter.create_observable_counter(name, [_reading(read)], unit, says)

    def times(self, name: str, *, says: str, bounds: Sequence[float] = SECONDS) -> Record:
        """A distribution of seconds; what is returned takes one of them."""
        self._names.add(_exposed(name, "s"))
        histogram = self._meter.create_histogram(name, "s", says, explicit_bucket_boundaries_advisory=bounds)

        def record(seconds: float, labels: Labels) -> None:
            histogram.record(seconds, dict(labels))

        return record

    def distribution(self, name: str, seconds: Callable[[], Durations | None], *, says: str) -> None:
        """A distribution that the work itself keeps: OpenTelemetry has no histogram that is read when it is asked."""
        self._names.add(_exposed(name, "s"))
        self._registry.register(_Kept(_exposed(name, "s"), seconds, says, self._service))

    def exposition(self) -> bytes:
        """Everything as it is now (`MEDIA_TYPE`)."""
        return generate_latest(self._registry)

    def stop(self) -> None:
        self._provider.shutdown()


@dataclass(frozen=True, slots=True)
class _Kept(Collector):
    name: str
    seconds: Callable[[], Durations | None]
    says: str
    service: str

    def collect(self) -> Iterable[Metric]:
        if kept := self.seconds():
            sums = accumulate(kept.counts)
            buckets = [(str(bound), float(count)) for bound, count in zip((*STEPS, "+Inf"), sums, strict=True)]
            family = HistogramMetricFamily(self.name, self.says, labels=["service"])
            family.add_metric([self.service], buckets, kept.total)
            yield family

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked at the registration."""
        return ()


def _exposed(name: str, unit: str) -> str:
    return name.replace(".", "_") + ("_seconds" if unit == "s" else "")


def _reading(read: Read) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, _plain(labels)) for value, labels in read()]

    return observe


def _plain(labels: Labels) -> dict[str, Any]:
    return dict(labels)
