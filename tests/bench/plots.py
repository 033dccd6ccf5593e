"""The run's plots: how long an append takes, and how many there are a second for so many clients."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, ScalarFormatter

from tests.bench.bench import Bench


def plot(bench: Bench, *, folder: Path) -> None:
    """Writes `latency.svg` and `throughput.svg`, as far as this run has measured what they show."""
    if bench.distributions:
        _saved(_latency(bench), folder / "latency.svg")
    if bench.throughputs:
        _saved(_throughput(bench), folder / "throughput.svg")


def _latency(bench: Bench) -> Figure:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, seconds in bench.distributions.items():
        ordered = sorted(second * 1_000 for second in seconds)
        axes.plot(ordered, [(place + 1) / len(ordered) for place in range(len(ordered))], label=name)
    axes.set(xscale="log", xlabel="milliseconds until an append is answered", ylabel="appends answered by then")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    return figure


def _throughput(bench: Bench) -> Figure:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, rates in bench.throughputs.items():
        axes.plot(list(rates), list(rates.values()), marker="o", label=name)
        axes.set_xticks(list(rates))
    axes.set(xlabel="clients", ylabel="appends a second", ylim=(0, None))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    return figure


def _saved(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
