"""What a source says beside firing and clearing: told in the next note, once, and nothing else changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from alertd.core.alerts import Alert, AlertKey, Severity, Status
from alertd.core.conditions import Turn, hear, observe
from alertd.core.deciding import decide, due_at
from alertd.core.incidents import (
    Changed,
    Closed,
    CompletedByPerson,
    Dismissed,
    Fired,
    Incident,
    Linked,
    Noted,
    Tally,
    Tick,
    Updated,
)
from alertd.core.text import note_text, ticket_text
from tests.core.incident_samples import (
    INTERVAL,
    T0,
    TICKET,
    after,
    alert,
    at,
    ended,
    member,
    opened,
    standing,
)
from tests.core.test_folding import Books, happened

SAID = "acknowledged by night shift"


def update(name: str = "a", text: str = SAID, **changes: Any) -> Alert:
    return alert(name, status=Status.UPDATED, annotations={"update": text}, **changes)


def said(text: str = SAID) -> Updated:
    return Updated(AlertKey("a"), text)


def told(incident: Incident) -> list[str]:
    return [change.detail for change in incident.changes if change.what == "updated"]


class TestConditions:
    def test_it_neither_fires_nor_clears(self) -> None:
        firing, _ = observe(None, alert(), received_at=T0, receipt="r1")
        heard, turn = hear(firing, update(), received_at=at(seconds=5))

        assert turn is Turn.UPDATED
        assert heard is firing

    def test_it_says_nothing_of_what_does_not_fire(self) -> None:
        cleared, _ = observe(None, alert(cleared=True), received_at=T0, receipt="r1")

        assert hear(None, update(), received_at=T0) == (None, Turn.IGNORED)
        assert hear(cleared, update(), received_at=T0) == (cleared, Turn.IGNORED)

    def test_a_source_that_speaks_is_not_silent(self) -> None:
        day = timedelta(days=1)
        firing, _ = observe(None, alert(expires_after=day), received_at=T0, receipt="r1")

        def expires_at(alert: Alert, received_at: datetime) -> datetime | None:
            heard, _ = hear(firing, alert, received_at=received_at)
            return heard.expires_at if heard is not None else None

        assert expires_at(update(expires_after=day), at(hours=3)) == T0 + day + timedelta(hours=3)
        assert expires_at(update(expires_after=timedelta(hours=1)), at(hours=3)) == T0 + day
        assert expires_at(update(), at(hours=3)) == T0 + day
        assert expires_at(update(expires_after=day, reporter="other"), at(hours=3)) == T0 + day

    def test_what_never_expires_goes_on_so(self) -> None:
        firing, _ = observe(None, alert(), received_at=T0, receipt="r1")
        heard, _ = hear(firing, update(expires_after=timedelta(hours=1)), received_at=at(minutes=3))

        assert heard is not None
        assert heard.expires_at is None


class TestIncidents:
    def test_it_is_told_with_the_next_note(self) -> None:
        updated = after(standing(), said(), now=at(minutes=1))
        assert told(updated) == [SAID]
        assert due_at(updated) == T0 + INTERVAL

        noted = after(updated, Tick(), now=T0 + INTERVAL)
        _, text = note_text(noted, after=0, upto=noted.note_upto)
        assert f"srv-a: Disk a: {SAID}" in text
        assert f"firing since 2026-11-23 03:00 UTC; {SAID}" in text

    def test_the_same_is_not_told_twice(self) -> None:
        updated = after(standing(), said(), Noted(1), said(), said())
        assert updated.revision == 1
        assert after(updated, said("picked up")).revision == 2

    def test_nothing_said_is_nothing_to_tell(self) -> None:
        assert after(standing(), said("")).revision == 0

    def test_what_is_said_before_the_ticket_is_in_its_text(self) -> None:
        waiting = after(opened(group_wait=timedelta(minutes=1)), said())
        assert waiting.revision == 0
        assert f"Its source says: {SAID}" in ticket_text(waiting, reference="ref").description

        opening = after(opened(), said())
        assert opening.revision == 1
        assert after(opening, Linked(TICKET, 1)).changes == ()
        assert told(after(opening, Linked(TICKET, 0))) == [SAID]

    def test_it_outlives_another_severity_and_ends_with_its_condition(self) -> None:
        worse = after(standing(), said(), Changed(member(severity=Severity.HIGH)))
        assert worse.members[AlertKey("a")].update == SAID
        again = after(worse, ended(), Fired(member()), said())
        assert told(again) == [SAID, SAID]

    def test_it_opens_and_reopens_nothing(self) -> None:
        over = after(standing(), ended(), Tick(), now=at(hours=1))
        assert after(over, said()).phase == over.phase
        acknowledged = after(standing(), CompletedByPerson())
        assert after(acknowledged, said()).phase == acknowledged.phase
        dismissed = after(standing(), Dismissed())
        assert isinstance(decide(dismissed, said(), now=T0).phase, Closed)
        assert decide(standing(), Updated(AlertKey("z"), SAID, messages=0), now=T0) == standing()

    def test_it_is_counted_with_the_others(self) -> None:
        assert after(standing(), said()).tally == Tally(ticketed=1, merged=1)


class TestFolding:
    def test_it_joins_its_incident(self) -> None:
        books = Books()
        books.fold(alert())
        fold = books.fold(update(text="acknowledged\n by  x"), now=at(minutes=1))

        assert told(books.one()) == ["acknowledged by x"]
        assert happened(fold) == ["updated"]
        assert fold.history[0].detail == {"said": "acknowledged by x"}
        assert books.nonzero() == {"pending": 2}

    def test_without_a_text_it_only_counts(self) -> None:
        books = Books()
        books.fold(alert())
        fold = books.fold(update(text=""))

        assert fold.history[0].detail == {}
        assert told(books.one()) == []

    def test_it_is_ignored_where_nothing_fires(self) -> None:
        books = Books()
        books.fold(update())
        assert books.incidents == {}
        assert books.conditions == {}
        books.fold(alert())
        books.fold(alert(cleared=True))
        books.fold(update())
        assert books.nonzero() == {"ignored": 2, "pending": 2}

    def test_it_is_ignored_where_the_incident_is_forgotten(self) -> None:
        books = Books()
        books.fold(alert())
        books.incidents.clear()
        books.fold(update(), now=at(minutes=2))
        assert books.nonzero() == {"pending": 1, "ignored": 1}
