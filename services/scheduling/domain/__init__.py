"""What scheduling decides: a `schedule` offers the slots of its `timetable`, a `calendar` gives them away, an
`appointment` lives on them. `offers` brings several schedules together.
"""
