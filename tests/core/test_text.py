"""What tickets say: plain text, cut to Autotask's limits, the reference last."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alertd.core.alerts import Severity
from alertd.core.incidents import (
    Changed,
    Dismissed,
    Fired,
    FoundForeign,
    Gone,
    Incident,
    Member,
    Reopened,
    Tick,
    Touched,
)
from alertd.core.text import (
    CUT_MARK,
    DESCRIPTION_LENGTH,
    MOST_MEMBERS,
    NOTE_LENGTH,
    NOTE_TITLE_LENGTH,
    TITLE_LENGTH,
    BadTemplate,
    Rendered,
    check_template,
    clean,
    cut,
    field_texts,
    is_constant,
    note_text,
    note_title,
    one_line,
    resolution_text,
    ticket_text,
)
from alertd.core.tickets import TicketField
from tests.core.incident_samples import after, at, ended, member, opened, standing

LAST = "\n\n[ref: alertd-x-g1]"


def ticket(incident: Incident, **options: Any) -> Rendered:
    return ticket_text(incident, reference="alertd-x-g1", **options)


def with_member(**changes: Any) -> Incident:
    return opened(first=member(**changes))


# --- title --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("incident", "title"),
    [
        (opened(), "Disk a on srv-a"),
        (after(opened(), Fired(member("b"))), "Disk a (+1 more)"),
        (after(opened(), Fired(member("b", host="srv-a"))), "Disk a on srv-a (+1 more)"),
        (after(opened(), Fired(member("b", Severity.CRITICAL))), "Disk b (+1 more)"),
        (after(opened(), Fired(member("b")), ended()), "Disk b (+1 more)"),
        (with_member(title="two\r\nlines\x07", host=""), "two lines"),
        (with_member(title="", host=""), "Alert"),
        (with_member(title="{{ 7 * 7 }}", host=""), "{{ 7 * 7 }}"),
    ],
    ids=[
        "what and where",
        "several hosts are not named",
        "one host of several members is",
        "the worst one leads",
        "one that fires leads one that is over",
        "one clean line",
        "never empty",
        "an alert's text is never a template",
    ],
)
def test_title(incident: Incident, title: str) -> None:
    assert ticket(incident).title == title


def test_a_long_title_is_cut_with_a_mark() -> None:
    title = ticket(with_member(title="x" * 999)).title

    assert len(title) == TITLE_LENGTH
    assert title.endswith(CUT_MARK)


# --- description --------------------------------------------------------------------------------------


def test_a_description_says_everything() -> None:
    incident = with_member(description="96 % used", url="https://prometheus.example.com/x")

    assert ticket(incident, remarks=["A remark."]).description.splitlines() == [
        "WARNING: Disk a",
        "Customer: Contoso",
        "Device: srv-a",
        "Since: 2026-11-23 03:00 UTC",
        "",
        "96 % used",
        "",
        "Link: https://prometheus.example.com/x",
        "Route: root; receipt r1",
        "A remark.",
        "",
        "[ref: alertd-x-g1]",
    ]


def test_several_members_are_listed_firing_and_worst_first() -> None:
    incident = after(opened(), Fired(member("b", Severity.CRITICAL)), Fired(member("c", host="")), ended())
    lines = ticket(incident).description.splitlines()

    assert lines[lines.index("2 firing, 1 over:") :][1:4] == [
        "- srv-b: Disk b [critical], firing since 2026-11-23 03:00 UTC",
        "- Disk c [warning], firing since 2026-11-23 03:00 UTC",
        "- srv-a: Disk a [warning], cleared 2026-11-23 03:00 UTC",
    ]


def test_members_beyond_the_most_are_counted() -> None:
    incident = after(opened(), *(Fired(member(str(n))) for n in range(MOST_MEMBERS + 4)))

    assert "- and 5 more" in ticket(incident).description.splitlines()


def test_a_ticket_that_follows_another_says_so() -> None:
    assert "Follows ticket T20261123.0001" in ticket(after(standing(), Gone())).description
    unnumbered = replace(after(standing(), Gone()), previous=replace(standing().ticket, number=""))
    assert "Follows ticket 101" in ticket(unnumbered).description


def test_what_is_over_already_says_so() -> None:
    over = after(opened(hold=timedelta()), ended(), now=at(hours=1))

    assert "Already over: 2026-11-23 04:00 UTC" in ticket(over).description


def test_only_web_addresses_become_links() -> None:
    assert "Link" not in ticket(with_member(url="javascript:alert(1)")).description


def test_an_unknown_customer_or_host_is_left_out() -> None:
    text = ticket(replace(with_member(host=""), client="")).description

    assert "Customer" not in text
    assert "Device" not in text


@pytest.mark.parametrize(
    "description",
    ["x" * 20_000, "x\n" * 10_000, "\n" * 20_000, "😀" * 9_000],
    ids=["long", "lines", "empty", "emoji"],
)
def test_a_long_description_keeps_what_stands_below_it(description: str) -> None:
    incident = with_member(description=description, url="https://x.example/")
    text = ticket(incident, remarks=["A remark."]).description

    assert text.endswith("Link: https://x.example/\nRoute: root; receipt r1\nA remark." + LAST)
    assert stored_length(text) <= DESCRIPTION_LENGTH


def stored_length(text: str) -> int:
    r"""As Autotask may store it: \r\n for \n, and two for an emoji."""
    return len(text.replace("\n", "\r\n").encode("utf-16-le")) // 2


@given(st.text(max_size=50), st.integers(0, 500), st.text(max_size=30), st.text(max_size=30))
def test_any_text_fits_and_ends_with_its_reference(piece: str, times: int, title: str, host: str) -> None:
    rendered = ticket(with_member(title=title * 20, host=host * 20, description=piece * times))

    assert stored_length(rendered.description) <= DESCRIPTION_LENGTH
    assert rendered.description.endswith(LAST)
    assert 0 < stored_length(rendered.title) <= TITLE_LENGTH
    assert "\n" not in rendered.title


def test_a_remark_flood_is_cut_before_the_reference() -> None:
    text = ticket(opened(), remarks=["é\n" * 9_000]).description

    assert text.endswith(CUT_MARK + LAST)
    assert stored_length(text) <= DESCRIPTION_LENGTH


# --- the operator's own templates ---------------------------------------------------------------------


def test_an_own_template_is_used() -> None:
    rendered = ticket(
        opened(),
        title_template="[{{ severity }}] {{ labels.host }}",
        description_template="{{ state }} {{ previous }}{{ cleared }}",
    )

    assert rendered == Rendered("[warning] a", "opening" + LAST)


BROKEN = {
    "an unknown name": "{{ nothing }}",
    "a division by zero": "{{ 1 / 0 }}",
    "a wrong type": "{{ title + 1 }}",
    "a wrong format": "{{ '%d' | format(title) }}",
    "a missing key": "{{ '{x}'.format(title) }}",
    "a filter for something else": "{{ 3 | dictsort }}",
    "a macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a forbidden attribute": "{{ title.__class__.__mro__ }}",
    "a change of what it was given": "{{ labels.update({'a': 'b'}) }}",
    "no syntax at all": "{% for %}",
}


@pytest.mark.parametrize("template", BROKEN.values(), ids=BROKEN.keys())
def test_a_template_that_fails_is_refused_when_checked_and_replaced_when_used(template: str) -> None:
    with pytest.raises(BadTemplate):
        check_template(template)
    assert ticket(opened(), title_template=template, description_template=template) == ticket(opened())


def test_a_good_template_passes() -> None:
    check_template("{{ title }} {{ labels.alertname }} {{ members | length }}")


def test_an_empty_title_template_still_makes_a_title() -> None:
    assert ticket(opened(), title_template=" ").title == "Alert"


# --- notes --------------------------------------------------------------------------------------------


def test_a_note_tells_its_changes_and_how_things_stand() -> None:
    incident = after(standing(), Fired(member("b")), Fired(member("c", host="")), now=at(minutes=1))
    incident = after(incident, Changed(member("b", Severity.HIGH)), ended(), now=at(minutes=2))

    title, text = note_text(incident, after=1, upto=4)

    assert title == "2 firing, 1 over"
    assert text.splitlines()[:6] == [
        "2026-11-23 03:01:00 UTC Also firing: Disk c",
        "2026-11-23 03:02:00 UTC Severity warning to high: srv-b: Disk b",
        "2026-11-23 03:02:00 UTC Cleared: srv-a: Disk a",
        "",
        "Now: 2 firing, 1 over.",
        "srv-b: Disk b [high], firing since 2026-11-23 03:00 UTC",
    ]


@pytest.mark.parametrize(
    ("incident", "says"),
    [
        (after(standing(), ended(expired=True)), "Silence is no all-clear, so the ticket stays open."),
        (after(standing(), ended(), Fired(member())), "Firing again: srv-a: Disk a"),
        (after(standing(), FoundForeign()), "followed in this ticket, which was there before."),
        (
            after(after(standing(), Touched("resource 7 wrote a note"), ended()), Tick(), now=at(hours=1)),
            "All clear. The ticket is left open: resource 7 wrote a note.",
        ),
    ],
    ids=["expired", "fired again", "linked", "left open"],
)
def test_what_a_note_says(incident: Incident, says: str) -> None:
    _, text = note_text(incident, after=0, upto=9)

    assert says in text


def test_an_expired_member_is_not_called_cleared() -> None:
    _, text = note_text(after(standing(), ended(expired=True)), after=0, upto=9)

    assert "srv-a: Disk a [warning], expired 2026-11-23 03:00 UTC" in text


def test_changes_that_were_left_out_are_counted() -> None:
    _, text = note_text(replace(standing(), changes_left_out=7), after=0, upto=9)

    assert text.startswith("(7 earlier changes are left out)")


def test_a_long_note_is_cut() -> None:
    incident = after(standing(), *(Fired(member(str(n), title="x" * 900)) for n in range(150)))

    assert stored_length(note_text(incident, after=0, upto=999)[1]) <= NOTE_LENGTH


def test_a_notes_mark_is_never_cut() -> None:
    title = note_title("x" * 999, "alertd-x-g1-n3")

    assert title.endswith(CUT_MARK + " [alertd-x-g1-n3]")
    assert len(title) == NOTE_TITLE_LENGTH


# --- resolution ---------------------------------------------------------------------------------------


def closed(*, expired: bool = False, **policy: Any) -> Incident:
    return after(standing(hold=timedelta(), **policy), ended(expired=expired), now=at(hours=1))


@pytest.mark.parametrize(
    ("incident", "says"),
    [
        (closed(), "The monitoring reports it clear, 2026-11-23 04:00 UTC."),
        (
            closed(expired=True, on_expiry="close"),
            "Nothing more was heard of it: expired, not confirmed clear, 2026-11-23 04:00 UTC.",
        ),
        (after(standing(), Dismissed()), "Closed in alertd by an operator, 2026-11-23 03:00 UTC."),
    ],
    ids=["cleared", "expired", "by an operator"],
)
def test_resolution(incident: Incident, says: str) -> None:
    first, second = resolution_text(incident).splitlines()

    assert first == says
    assert second.startswith("srv-a: Disk a [warning], ")


def test_a_resolution_of_what_fires_again_meanwhile_makes_sense() -> None:
    assert resolution_text(after(closed(), Reopened(), Fired(member()))).startswith("The monitoring reports")


# --- cleaning and cutting -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dirty", "cleaned"),
    [
        ("plain", "plain"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\u202eevil\u200b", "evil"),
        ("\ud800x", "x"),
        ("Größe 😀", "Größe 😀"),
    ],
    ids=["plain", "control", "tab and line", "bidirectional", "half a character", "other alphabets"],
)
def test_clean(dirty: str, cleaned: str) -> None:
    assert clean(dirty) == cleaned


def test_one_line() -> None:
    assert one_line("  a\n\t b\x00  c ") == "a b c"


@pytest.mark.parametrize(
    ("text", "length", "result"),
    [
        ("short", 5, "short"),
        ("a longer one", 11, "a l" + CUT_MARK),
        ("a  longer one", 11, "a" + CUT_MARK),
        ("ééééé", 5, "ééééé"),
        ("😀" * 5, 9, CUT_MARK),
        ("😀" * 6, 11, "😀" + CUT_MARK),
        ("😀" * 5, 10, "😀" * 5),
    ],
    ids=[
        "fits",
        "cut",
        "no blank before the mark",
        "accents count one",
        "emoji count two",
        "never half",
        "fits",
    ],
)
def test_cut(text: str, length: int, result: str) -> None:
    assert cut(text, length) == result


def test_a_members_line_is_bounded() -> None:
    long: Member = member("b", title="x" * 999)

    assert all(len(line) < 320 for line in ticket(after(opened(), Fired(long))).description.splitlines()[5:])


# --- user-defined fields ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"template": "{{ reference }}"}, "alertd-x-g1"),
        ({"template": " {{ client }}\x07 "}, "Contoso"),
        ({"template": "{{ title * 9 }}", "longest": 20}, "Disk aDisk a" + CUT_MARK),
        ({"template": "{{ severity }}", "value_by_label": {"warning": "17"}}, "17"),
        ({"template": "WARNING", "value_by_label": {"warning": "17"}}, "17"),
        ({"template": "{{ url }}"}, None),
        ({"template": "{{ url }}", "value_by_label": {"x": "1"}}, None),
    ],
    ids=["reference", "clean", "cut", "entry of a list", "by its label", "nothing", "no entry asked for"],
)
def test_a_field_says(field: dict[str, Any], said: str | None) -> None:
    fields = [TicketField(name="F", **field)]

    texts, empty = field_texts(opened(), reference="alertd-x-g1", fields=fields)

    assert (texts, empty) == ({} if said is None else {"F": said}, [])


def test_a_field_that_cannot_be_said_stays_empty_and_says_why() -> None:
    fields = [
        TicketField(name="F", template="{{ 1 / 0 }}"),
        TicketField(name="G", template="{{ host }}", value_by_label={"north": "1"}),
    ]

    texts, empty = field_texts(opened(), reference="r", fields=fields)

    assert texts == {}
    assert empty == ["F: its template fails on this alert", "G: 'srv-a' is none of its entries"]


@pytest.mark.parametrize(
    ("template", "constant"), [("North", True), ("{{ x }}", False), ("{% if x %}", False)]
)
def test_a_template_without_marks_says_the_same_of_every_alert(template: str, constant: bool) -> None:
    assert is_constant(template) is constant


def test_remarks_are_never_cut_off_by_a_long_description() -> None:
    text = ticket(
        opened(), description_template="{{ 'x' * 9000 }}", remarks=["Said\nof it. " * 100, "And this."]
    )

    assert text.description.endswith(f"\nAnd this.{LAST}")
    assert "\nSaid of it." in text.description
    assert len(text.description) + text.description.count("\n") <= DESCRIPTION_LENGTH
