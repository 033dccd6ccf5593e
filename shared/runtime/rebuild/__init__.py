"""Rebuilds a projection beside the live one: filled from the topics, compared at equal versions, switched by the alias.

`rebuilding` is the whole way, `filling` the topics' part of it, `comparing` the judgement, `record` what others see.
"""

from shared.runtime.rebuild.comparing import Comparing, Comparison, Ids
from shared.runtime.rebuild.rebuilding import NoWayBack, Progress, Rebuild, Rebuilt
from shared.runtime.rebuild.record import Deposed, Entry, Record, Taken, entries

__all__ = [
    "Comparing",
    "Comparison",
    "Deposed",
    "Entry",
    "Ids",
    "NoWayBack",
    "Progress",
    "Rebuild",
    "Rebuilt",
    "Record",
    "Taken",
    "entries",
]
