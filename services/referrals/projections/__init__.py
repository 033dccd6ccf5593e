"""What referrals shows: `rows` is the worklist, `deadlines` the table of who owes the next step and by when."""

from services.referrals.projections.deadlines import Deadlines
from services.referrals.projections.rows import ReferralRow

__all__ = ["Deadlines", "ReferralRow"]
