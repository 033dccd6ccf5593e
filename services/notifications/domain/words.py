"""The words that preferences, messages and letters have in common."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["de", "en", "es", "fr"]

Topic = Literal["appointments", "referrals"]
"""what a patient may not want to hear of"""

Template = Literal[
    "appointment-booked",
    "appointment-moved",
    "appointment-cancelled",
    "referral-accepted",
    "referral-declined",
    "referral-outcome",
]
"""what a message says"""

TOPICS: Mapping[Template, Topic] = {
    "appointment-booked": "appointments",
    "appointment-moved": "appointments",
    "appointment-cancelled": "appointments",
    "referral-accepted": "referrals",
    "referral-declined": "referrals",
    "referral-outcome": "referrals",
}
