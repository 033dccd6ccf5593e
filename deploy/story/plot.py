"""The story, step by step, in the order in which it is told."""

from collections.abc import Sequence

from deploy.story import checking, closing, referring, visiting
from deploy.story.step import Step

STORY: Sequence[Step] = (
    Step(name="register", says="North Clinic registers a patient", play=referring.register),
    Step(name="prefer", says="She says how she wants to be told things", play=referring.prefer),
    Step(name="diagnose", says="North Clinic records a condition", play=referring.diagnose),
    Step(name="draft", says="It drafts a referral to Heart Centre", play=referring.draft),
    Step(name="hidden", says="Heart Centre cannot see the patient yet", play=referring.hidden),
    Step(name="send", says="North Clinic sends the referral", play=referring.send),
    Step(name="visible", says="Now Heart Centre can see the patient", play=referring.visible),
    Step(name="accept", says="Heart Centre accepts", play=referring.accept),
    Step(name="schedules", says="A cardiologist and a room can be booked", play=visiting.open_schedules),
    Step(name="book", says="Heart Centre books both at once", play=visiting.book),
    Step(name="scheduled", says="The referral moves by itself", play=visiting.scheduled),
    Step(name="told", says="The patient is told", play=visiting.told),
    Step(name="cover", says="Her coverage is registered", play=visiting.cover),
    Step(name="arrive", says="She arrives", play=visiting.arrive),
    Step(name="check in", says="She is checked in", play=visiting.check_in),
    Step(name="begin", says="An encounter starts", play=visiting.begin),
    Step(name="measure", says="An observation is recorded", play=visiting.measure),
    Step(name="report", says="A report is recorded", play=visiting.report),
    Step(name="finish", says="The encounter finishes", play=visiting.finish),
    Step(name="fulfilled", says="The appointment is fulfilled by itself", play=visiting.fulfilled),
    Step(name="opened", says="A claim opens by itself", play=closing.opened),
    Step(name="charge", says="It gets its charges", play=closing.charge),
    Step(name="submit", says="It is submitted", play=closing.submit),
    Step(name="pay", says="It is paid", play=closing.pay),
    Step(name="outcome", says="Heart Centre sends the outcome", play=closing.give_outcome),
    Step(name="outcome told", says="The patient is told that there is news", play=closing.told),
    Step(name="review", says="North Clinic reviews it: the loop is closed", play=closing.review),
    Step(name="closed", says="The worklist shows the referral closed", play=closing.closed),
    Step(name="timeline", says="Both see every step, in order", play=checking.timeline),
    Step(name="strangers", says="A third organisation sees nothing, anywhere", play=checking.strangers),
    Step(name="correlation", says="Every event has one correlation id", play=checking.correlation),
    Step(name="causes", says="From the payment, causes lead to the referral", play=checking.causes),
)
