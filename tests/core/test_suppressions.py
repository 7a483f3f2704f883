"""Several kinds of what keeps tickets back, asked as one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alertd.core.deciding import due_at
from alertd.core.incidents import Silenced, Tally, state_of
from alertd.core.matchers import Labels
from alertd.core.quieting import follow, wake, with_quiet
from alertd.core.silences import Quiet, QuietKind
from alertd.core.suppressions import Suppressions
from alertd.core.tallying import count
from alertd.core.text import ticket_text
from tests.core.incident_samples import T0 as NOW
from tests.core.incident_samples import member, opened

HOUR = timedelta(hours=1)


class Fixed:
    """Says always the same."""

    def __init__(self, quiet: Quiet | None, *, starts_at: datetime | None = None, any_: bool = True) -> None:
        self._quiet, self._starts_at, self._any = quiet, starts_at, any_

    def __bool__(self) -> bool:
        return self._any

    def quiet(self, labels: Labels, now: datetime) -> Quiet | None:
        return self._quiet

    def next_start_at(self, after: datetime) -> datetime | None:
        return self._starts_at


def test_what_lasts_longest_counts() -> None:
    short, long = Quiet(("a",), NOW), Quiet(("b",), NOW + HOUR)
    endless = Quiet(("c",), None, kind="inhibited")
    assert Suppressions(Fixed(short), Fixed(long)).quiet({}, NOW) == long
    assert Suppressions(Fixed(endless), Fixed(None), Fixed(long)).quiet({}, NOW) == endless
    assert Suppressions(Fixed(None)).quiet({}, NOW) is None


def test_what_there_is_none_of_is_not_asked() -> None:
    assert Suppressions(Fixed(Quiet(("a",), NOW), any_=False)).quiet({}, NOW) is None
    assert not Suppressions(Fixed(None, any_=False))
    assert Suppressions(Fixed(None, any_=False), Fixed(None))


def test_the_next_start_is_the_earliest() -> None:
    kinds = (Fixed(None), Fixed(None, starts_at=NOW + HOUR), Fixed(None, starts_at=NOW))
    assert Suppressions(*kinds).next_start_at(NOW) == NOW
    assert Suppressions(Fixed(None)).next_start_at(NOW) is None


@pytest.mark.parametrize(
    ("kind", "state", "disposition"),
    [
        ("silence", "silenced", "silenced"),
        ("inhibited", "inhibited", "inhibited"),
        ("window", "held", "held"),
        ("interval", "held", "held"),
    ],
)
def test_each_kind_has_its_state_and_its_count(kind: QuietKind, state: str, disposition: str) -> None:
    before = count(opened(first=member(quiet=Quiet(("x",), None, kind=kind))), 2)
    quiet = follow(before, before=before, now=NOW, may_begin=True)
    assert state_of(quiet) == state
    assert quiet.tally == Tally(**{disposition: 3})
    assert due_at(quiet) is None
    woken = wake(quiet, NOW + HOUR)
    assert woken.last_silence is not None
    assert woken.last_silence.until == NOW + HOUR
    assert woken.tally == Tally(pending=3)
    assert _SAYS[kind] in ticket_text(woken, reference="r").description


def test_another_kind_takes_over() -> None:
    before = opened(first=member(quiet=Quiet(("x",), NOW + HOUR, kind="window")))
    held = follow(before, before=before, now=NOW, may_begin=True)
    asked = with_quiet(held, {member().key: Quiet(("y",), None, kind="inhibited")})
    after = follow(asked, before=held, now=NOW, may_begin=True)
    assert isinstance(after.phase, Silenced)
    assert (after.phase.kind, after.phase.by, after.tally) == ("inhibited", ("y",), Tally(inhibited=1))


_SAYS: dict[QuietKind, str] = {
    "silence": "Silenced by x",
    "inhibited": "Inhibited by x",
    "window": "During window x",
    "interval": "Held back by time interval x",
}
