"""What an operator's commands ask and do, for one service at a time, by its settings: no HTTP, and nothing runs here.

`condition` asks, `findings` judges; `parked`, `projections` and `topics` act.
"""

from shared.runtime.operating.condition import Condition, condition
from shared.runtime.operating.findings import Finding, duration, findings, rebuild
from shared.runtime.operating.operated import REFUSED, TRANSIENT, Away, Operated, Unknown, who

__all__ = [
    "REFUSED",
    "TRANSIENT",
    "Away",
    "Condition",
    "Finding",
    "Operated",
    "Unknown",
    "condition",
    "duration",
    "findings",
    "rebuild",
    "who",
]
