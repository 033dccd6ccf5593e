"""What a rebuild stands on: `comparing` judges two generations, `record` says who rebuilds what, and how far it is."""

from shared.runtime.rebuilding.comparing import Comparing, Comparison, Ids
from shared.runtime.rebuilding.record import Deposed, Entry, Record, Taken, entries

__all__ = ["Comparing", "Comparison", "Deposed", "Entry", "Ids", "Record", "Taken", "entries"]
