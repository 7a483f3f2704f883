"""`[silences]`: when somebody is reminded of one."""

from __future__ import annotations

from datetime import timedelta

from alertd.core.settings import Duration, Section


class SilenceSettings(Section):
    """`[silences]`: reminders are alerts of the built-in source `alertd`. `0s` switches one off."""

    remind_before: Duration = timedelta(hours=1)
    remind_after: Duration = timedelta(days=7)
    remind_board: str | None = None  # None: as the routes say
