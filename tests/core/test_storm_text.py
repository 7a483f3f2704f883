"""What the ticket of a storm says."""

from __future__ import annotations

from msgspec.structs import replace

from alertd.core import storm_text
from alertd.core.alerts import AlertKey, Severity
from alertd.core.incidents import Closed, Folded, Holding, Incident, Open
from alertd.core.noting import tell_of_storm
from alertd.core.storms import Storm
from alertd.core.text import DESCRIPTION_LENGTH, NOTE_LENGTH, ticket_text
from alertd.core.tickets import Ticket
from tests.core.incident_samples import T0, at, member, opened

REFERENCE = "alertd-x-g1"
STORM = Storm(
    began_at=T0,
    calm_at=at(minutes=20),
    arrived=47,
    folded=37,
    cleared=4,
    promoted=1,
    firing_by_severity={"warning": 30, "high": 2},
)


def parent(**changes: object) -> Incident:
    begun = opened(first=member("storm", title="Storm of alerts", host=""))
    values: dict[str, object] = {"kind": "storm", "storm": STORM, "group": {"client": "Contoso"}}
    return replace(begun, **(values | changes))


def child(name: str = "a", **changes: object) -> Incident:
    folded = replace(opened(first=member(name)), key=name, phase=Folded(T0))
    return replace(folded, **changes)


def test_the_ticket_says_how_many_and_has_a_table() -> None:
    children = [child("a", severity=Severity.HIGH), child("b")]
    said = ticket_text(storm_text.shown(parent(), children), reference=REFERENCE)

    assert said.title == "Storm: 47 alerts at Contoso"
    lines = said.description.splitlines()
    assert (
        "47 alerts since 2026-11-23 03:00 UTC; 37 of them have no ticket of their own and" in said.description
    )
    assert (
        "Of these: firing 32 (2 high, 30 warning), over 4, with a ticket of their own by now 1."
        in said.description
    )
    assert "While the storm lasts, new alerts join it, unless they are critical." in lines
    assert "Severity | Device | Problem | Since | State" in lines
    assert "high | srv-a | Disk a | 2026-11-23 03:00 UTC | firing" in lines
    assert "and 35 more" in lines
    assert lines[-1] == f"[ref: {REFERENCE}]"


def test_a_thousand_children_fit() -> None:
    long = [child(f"c{n}", members={AlertKey("m"): member("m", title="x" * 400)}) for n in range(1000)]
    many = parent(storm=replace(STORM, folded=1000))
    said = ticket_text(storm_text.shown(many, long), reference=REFERENCE)
    assert len(said.description) <= DESCRIPTION_LENGTH
    title, body = storm_text.note_text(many, long, after=0, upto=9)
    assert title == "32 firing in this storm"
    assert len(body) <= NOTE_LENGTH
    assert body.splitlines()[-1].startswith("and 9")


def test_a_note_tells_what_happened_and_how_it_stands() -> None:
    calm = parent(storm=replace(STORM, active=False), group={})
    told = tell_of_storm(calm, at(minutes=20), what="calm")
    _, body = storm_text.note_text(told, [], after=0, upto=told.revision)
    assert body.startswith("2026-11-23 03:20:00 UTC The storm is over")
    assert "new alerts get tickets of their own" in body
    assert "Severity |" not in body
    assert "not named" in ticket_text(storm_text.shown(told, []), reference=REFERENCE).title


def test_rows_say_what_became_of_a_child() -> None:
    both = {AlertKey("a"): member("a"), AlertKey("b"): member("b", host="", title="a | b")}
    over = replace(member("c"), ended_at=at(minutes=1))
    children = [
        child("a", members=both),
        child("c", members={AlertKey("c"): over}, phase=Closed(T0, "cleared", T0)),
        child("d", phase=Open(), ticket=Ticket(9, "T9")),
        child("e", phase=Holding(T0, T0), ticket=Ticket(9), members={AlertKey("b"): both[AlertKey("b")]}),
    ]
    _, body = storm_text.note_text(parent(storm=replace(STORM, folded=4)), children, after=0, upto=1)
    assert "warning | srv-a | Disk a (+1 more) | 2026-11-23 03:00 UTC | firing" in body
    assert "warning | srv-c | Disk c | 2026-11-23 03:00 UTC | over" in body
    assert "| ticket T9" in body
    assert "warning | - | a / b | 2026-11-23 03:00 UTC | ticket 9" in body
    assert "more" not in body.splitlines()[-1]


def test_the_resolution_counts() -> None:
    closed = parent(
        phase=Closed(at(hours=1), "cleared", at(hours=25)), storm=replace(STORM, firing_by_severity={})
    )
    said = storm_text.resolution_text(closed)
    assert said.startswith("The monitoring reports it clear, 2026-11-23 04:00 UTC.")
    assert "Of these: firing 0, over 4," in said


def test_what_was_promoted_names_the_storms_ticket() -> None:
    promoted = child(phase=Open(), storm_ticket="T7")
    said = ticket_text(promoted, reference=REFERENCE)
    assert "Until now part of storm ticket T7" in said.description.splitlines()


def test_what_is_no_storm_has_its_own_texts() -> None:
    problem = tell_of_storm(child(phase=Open(), ticket=Ticket(9)), T0, what="left open")
    assert storm_text.shown(problem, []) is problem
    assert "Disk a" in storm_text.note_text(problem, [], after=0, upto=problem.revision)[1]
    assert "Disk a" in storm_text.resolution_text(child(phase=Closed(T0, "cleared", T0)))
