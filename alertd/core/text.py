"""What tickets say: titles, descriptions, notes, resolutions. Plain text, cut to Autotask's limits.

Payload text is only ever a value in a template, never a template. Templates are the operator's own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.meta
import msgspec
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alertd.core import digest_text
from alertd.core.held_back import HeldAlert
from alertd.core.incidents import Closed, Happened, Incident, Member, WhyNew, state_of
from alertd.core.settings import format_duration
from alertd.core.silences import QuietKind
from alertd.core.tickets import TicketField

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 8000
NOTE_TITLE_LENGTH = 250
NOTE_LENGTH = 32000
RESOLUTION_LENGTH = 32000
REMARK_LENGTH = 600
CUT_MARK = " … [cut]"
MOST_MEMBERS = 40  # in a description or note; beyond it they are counted
MOST_SILENCES = 3  # named in a ticket
MOST_SAID = 4000  # of the alert's own description: what we say ourselves must fit in below it

TITLE = "{{ title }}{% if host %} on {{ host }}{% endif %}{% if others %} (+{{ others }} more){% endif %}"
DESCRIPTION = """\
{{ severity | upper }}: {{ title }}
{% if client %}Customer: {{ client }}
{% endif %}{% if host %}Device: {{ host }}
{% endif %}Since: {{ since }}
{% if silenced %}{{ silenced }}
{% endif %}{% if storm_ticket %}Until now part of storm ticket {{ storm_ticket }}
{% endif %}{% if previous %}Follows ticket {{ previous }}: {{ follows }}.
{% endif %}{% if cleared %}Already over: {{ cleared }}
{% endif %}{% if update %}Its source says: {{ update }}
{% endif %}
{% if description %}{{ description }}

{% endif %}{% if members | length > 1 %}{{ firing_count }} firing, {{ ended_count }} over:
{% for member in members %}- {{ member }}
{% endfor %}
{% endif %}{% if url %}Link: {{ url }}
{% endif %}{% for line in held_back %}{{ line }}
{% endfor %}Route: {{ route }}; receipt {{ receipt }}"""


class BadTemplate(ValueError):
    """A template of the configuration does not compile, or fails on a sample."""


class Rendered(msgspec.Struct, frozen=True):
    """A title and a description, ready to be sent."""

    title: str
    description: str


class LacksLabel(BadTemplate):
    """A template wants a label that this sample does not have; other alerts may have it."""


def check_template(template: str) -> None:
    """Compile a template and try it on a sample. Labels that it wants may be there when alerts come.

    Raises:
        BadTemplate: It would not render. The text says why.
    """
    try:
        _said(template, _SAMPLE)
    except LacksLabel:
        names = jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(template)) - _SAMPLE.keys()
        if names:
            raise BadTemplate(f"{min(names)!r} is undefined") from None


def rendered(template: str, incident: Incident) -> str:
    """Return what a template says of an incident, uncut.

    Raises:
        LacksLabel: It wants a label that the incident does not have.
        BadTemplate: It does not render. The text says why.
    """
    return _said(template, _values(incident, _SAMPLE["reference"]))


def _said(template: str, values: Mapping[str, Any]) -> str:
    try:
        return _compiled(template).render(values)
    except _FAULTS as exc:  # labels are the only dictionary that a template sees
        kind = LacksLabel if str(exc).startswith("'dict object' has no attribute") else BadTemplate
        raise kind(str(exc)) from exc


def is_constant(template: str) -> bool:
    """Whether the template says the same of every alert."""
    return not any(mark in template for mark in ("{{", "{%", "{#"))


def ticket_text(
    incident: Incident,
    *,
    reference: str,
    title_template: str | None = None,
    description_template: str | None = None,
    remarks: Iterable[str] = (),
) -> Rendered:
    """Return title and description of the incident's ticket.

    Args:
        incident: As decided.
        reference: Becomes the description's last line, which no cut removes.
        title_template: The board's own, or None for the default.
        description_template: The board's own, or None for the default.
        remarks: Lines for whoever runs alertd, such as a customer that no company matches.
    """
    if incident.kind == "summary":
        title, body = digest_text.title(incident), _listed(incident)
    else:
        values = _values(incident, reference)
        title = _render(title_template, TITLE, values)
        body = clean(_render(description_template, DESCRIPTION, values)).rstrip()
    last = "".join(f"\n{cut(one_line(each), REMARK_LENGTH)}" for each in remarks) + f"\n\n[ref: {reference}]"
    return Rendered(
        cut(one_line(title), TITLE_LENGTH) or "Alert",
        cut_lines(body, DESCRIPTION_LENGTH - len(last) - last.count("\n")) + last,
    )


def field_texts(
    incident: Incident, *, reference: str, fields: Iterable[TicketField]
) -> tuple[dict[str, str], list[str]]:
    """Return what the ticket's user-defined fields say, by name, and why others are left empty.

    A template that fails on this alert, or that renders to no entry of a list, leaves its field empty.
    """
    values = _values(incident, reference)
    texts: dict[str, str] = {}
    empty: list[str] = []
    for field in fields:
        said = _field_text(field, values)
        if said is None:
            empty.append(f"{field.name}: its template fails on this alert")
        elif field.value_by_label is None:
            texts[field.name] = cut(said, field.longest) if field.longest else said
        elif said.casefold() in field.value_by_label:
            texts[field.name] = field.value_by_label[said.casefold()]
        elif said:
            empty.append(f"{field.name}: {cut(said, 80)!r} is none of its entries")
    return {name: said for name, said in texts.items() if said}, empty


def note_text(incident: Incident, *, after: int, upto: int) -> tuple[str, str]:
    """Return title (without its mark) and text of the note that tells the changes in (after, upto]."""
    firing = sum(member.firing for member in incident.members.values())
    ended = len(incident.members) - firing
    lines = change_lines(incident, after=after, upto=upto)
    told = [happened for happened in incident.changes if after < happened.revision <= upto]
    if any(happened.what == "held back" for happened in told):
        lines += ["", *_held_lines(incident)]
    lines += ["", f"Now: {firing} firing, {ended} over.", *_member_lines(incident)]
    title = f"{firing} firing, {ended} over"
    return title, cut_lines(clean("\n".join(lines)), NOTE_LENGTH)


def change_lines(incident: Incident, *, after: int, upto: int) -> list[str]:
    """Return what changed in (after, upto], a line each."""
    told = [happened for happened in incident.changes if after < happened.revision <= upto]
    lines = [_change_line(happened) for happened in told]
    if incident.changes_left_out:
        lines.insert(0, f"({incident.changes_left_out} earlier changes are left out)")
    return lines


def note_title(title: str, mark: str) -> str:
    """Return the note's title with the mark a look finds it by; the mark is never cut."""
    return f"{cut(title, NOTE_TITLE_LENGTH - len(mark) - 3)} [{mark}]"


def resolution_text(incident: Incident) -> str:
    """Return what the ticket's resolution says when we complete it."""
    said = [over(incident), *_member_lines(incident), *_held_lines(incident)]
    lines = [_listed(incident)] if incident.kind == "summary" else said
    return cut_lines(clean("\n".join(lines)), RESOLUTION_LENGTH)


def over(incident: Incident) -> str:
    """Return in one sentence how and when the incident ended."""
    phase = incident.phase
    at = instant(phase.at) if isinstance(phase, Closed) else ""
    how = phase.how if isinstance(phase, Closed) else "cleared"
    return {
        "expired": f"Nothing more was heard of it: expired, not confirmed clear, {at}.",
        "operator": f"Closed in alertd by an operator, {at}.",
    }.get(how, f"The monitoring reports it clear, {at}.")


def clean(text: str) -> str:
    """Remove what could disturb a reader or a terminal: control, bidirectional and surrogate characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _UNWANTED)


def one_line(text: str) -> str:
    """Clean the text and fold all white space into single blanks."""
    return " ".join(clean(text).split())


def cut(text: str, length: int) -> str:
    """Return the text, cut to `length` with a mark where anything is lost.

    An emoji counts as two, as in Autotask's database: better a shorter text than a refused ticket.
    """
    if len(text) <= length and (text.isascii() or _units(text) <= length):
        return text
    room = max(length - len(CUT_MARK), 0)
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * room].decode("utf-16-le", "ignore")
    return kept.rstrip() + CUT_MARK


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def cut_lines(text: str, length: int) -> str:
    """Cut so that the text also fits where Autotask stores two characters for each end of a line."""
    shorter = cut(text, length)
    return cut(shorter, length - shorter.count("\n"))


_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def _field_text(field: TicketField, values: Mapping[str, Any]) -> str | None:
    try:
        return clean(_compiled(field.template).render(values)).strip()
    except _FAULTS:
        return None


def _values(incident: Incident, reference: str) -> dict[str, Any]:
    members = list(incident.members.values())
    main = min(members, key=lambda member: (not member.firing, member.severity.rank, member.since))
    firing = sum(member.firing for member in members)
    phase = incident.phase
    return {
        "title": one_line(main.title),
        "host": one_line(main.host) if _one_host(members) else "",
        "others": len(members) - 1,
        "severity": incident.severity.value,
        "client": one_line(incident.client),
        "since": instant(min(member.since for member in members)),
        "description": cut(main.description.strip(), MOST_SAID),
        "update": one_line(main.update) if main.firing else "",
        "url": main.url if main.url.startswith(("http://", "https://")) else "",
        "members": _member_lines(incident) if len(members) > 1 else [],
        "firing_count": firing,
        "ended_count": len(members) - firing,
        "route": incident.policy.route_name,
        "receipt": incident.receipt,
        "labels": incident.labels | incident.group,
        "state": state_of(incident),
        "silenced": _silenced(incident),
        "storm_ticket": incident.storm_ticket,
        "held_back": _held_lines(incident),
        "previous": incident.previous.number or str(incident.previous.id) if incident.previous else "",
        "follows": _follows(incident),
        "cleared": instant(phase.at) if isinstance(phase, Closed) else "",
        "reference": reference,
    }


_SAMPLE: dict[str, Any] = {
    "title": "Disk D: is almost full",
    "host": "fs02",
    "others": 1,
    "severity": "warning",
    "client": "Contoso",
    "since": "2026-11-23 03:00 UTC",
    "description": "96 % used",
    "url": "https://prometheus.example.com/graph",
    "members": ["fs02: Disk D: is almost full"],
    "firing_count": 1,
    "ended_count": 1,
    "route": "root",
    "receipt": "01",
    "labels": {"alertname": "DiskFull"},
    "state": "open",
    "silenced": "",
    "held_back": ["Held back while this fires: 2 alerts", "- fs02: Disk D: is almost full [warning]"],
    "storm_ticket": "",
    "update": "",
    "previous": "",
    "follows": "the same problem is back",
    "cleared": "",
    "reference": "alertd-abcdefghijklmnopqrstuvwxyz-g1",
}


def _listed(incident: Incident) -> str:
    return "\n".join(cut(one_line(line), 300) for line in digest_text.lines(incident))


def _follows(incident: Incident) -> str:
    """Why there is a further ticket."""
    said = _WHY_NEW[incident.why_new].format(limit=format_duration(incident.policy.acknowledge_limit))
    return f"{said} (completed {incident.outlasted} times by now)" if incident.outlasted > 1 else said


_WHY_NEW: dict[WhyNew, str] = {
    "back": "the same problem is back",
    "outlasted": "it was completed while the problem stood, which stands still after {limit}",
    "gone": "it is gone, and the problem still stands",
    "refused": "the same problem is back, and that ticket cannot be reopened",
}


def _silenced(incident: Incident) -> str:
    """Why the ticket comes later than its alert."""
    past = incident.last_silence
    if past is None:
        return ""
    by = ", ".join(past.by[:MOST_SILENCES])
    said = f" ({past.said})" if past.said else ""
    if past.kind == "inhibited" and past.said:
        by, said = past.said, ""  # keys of alerts tell people nothing
    until = f" until {instant(past.until)}" if past.until is not None else ""
    return one_line(f"{_QUIET[past.kind]} {by}{said} from {instant(past.since)}{until}")


_QUIET: dict[QuietKind, str] = {
    "silence": "Silenced by",
    "window": "During window",
    "interval": "Held back by time interval",
    "inhibited": "Inhibited by",
}


def _held_lines(incident: Incident) -> list[str]:
    """What its alerts hold back: the first by name, all in numbers."""
    held = incident.held_back
    if held is None:
        return []
    over = f"; {held.over} more were over meanwhile" if held.over else ""
    if isinstance(incident.phase, Closed):
        heads = f"Held back while this fired: {_alerts(held.firing)}, looked at anew since it is over{over}"
    else:
        heads = f"Held back while this fires: {_alerts(held.firing)}{over}"
    lines = [heads, *map(_held_line, held.first)]
    left = held.firing - len(held.first)
    return [*lines, f"and {left} more"] if left > 0 else lines


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"


def _held_line(held: HeldAlert) -> str:
    where = f"{held.host}: " if held.host else ""
    return cut(one_line(f"- {where}{held.title} [{held.severity}], firing since {instant(held.since)}"), 300)


def _one_host(members: list[Member]) -> bool:
    return len({member.host for member in members}) == 1


def _member_lines(incident: Incident) -> list[str]:
    members = sorted(
        incident.members.values(), key=lambda member: (not member.firing, member.severity.rank, member.since)
    )
    lines = [_member_line(member) for member in members[:MOST_MEMBERS]]
    left = len(members) - len(lines)
    return [*lines, f"and {left} more"] if left > 0 else lines


def _member_line(member: Member) -> str:
    where = f"{member.host}: " if member.host else ""
    if member.ended_at is None:
        how = f"firing since {instant(member.since)}"
    else:
        how = f"{'expired' if member.expired else 'cleared'} {instant(member.ended_at)}"
    said = f"; {member.update}" if member.update and member.firing else ""
    return cut(one_line(f"{where}{member.title} [{member.severity}], {how}{said}"), 300)


def _change_line(happened: Happened) -> str:
    where = f"{happened.host}: " if happened.host else ""
    what = _SAYS[happened.what].format(what=f"{where}{happened.title}", detail=happened.detail)
    what += f" ({happened.times} changes)" if happened.times > 1 else ""
    at = f"{happened.at:%Y-%m-%d %H:%M:%S} UTC"  # to the second, so that no two notes ever say the same
    return cut(one_line(f"{at} {what}"), 400)


_SAYS = {
    "joined": "Also firing: {what}",
    "fired again": "Firing again: {what}",
    "reopened": "Firing again, ticket reopened: {what}",
    "cleared": "Cleared: {what}",
    "expired": "Nothing more heard of: {what}. Silence is no all-clear, so the ticket stays open.",
    "updated": "{what}: {detail}",
    "raised": "Severity {detail}: {what}",
    "severity": "Severity {detail}: {what}",
    "flapping": "Flapping: {detail}. The ticket is held open until it is stable.",
    "stable": "Stable again: it does not flap any more.",
    "held back": "Other alerts that this explains get no tickets of their own while it fires.",
    "left open": "All clear. The ticket is left open: {detail}.",
    "rejoined": "The problem stands. This ticket is open again, so it is followed here, without a new one.",
    "calm": "The storm is over: what still fires here gets tickets of its own, as far as it is few.",
    "linked": "alertd's alerts for this problem are followed in this ticket, which was there before.",
}


def instant(at: datetime) -> str:
    """Return an instant as tickets say it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


@lru_cache(maxsize=256)
def _compiled(template: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(template)


def _render(template: str | None, default: str, values: dict[str, Any]) -> str:
    """Render, and fall back to the built-in template where the operator's own fails on this alert."""
    if template is not None:
        try:
            return _compiled(template).render(values)
        except _FAULTS:
            pass  # the built-in says the same things; a ticket matters more than its looks
    return _compiled(default).render(values)


# what a template of the operator's own may raise on an alert that it was not written for
_FAULTS = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)

# autoescape is off since tickets are plain text: Autotask stores HTML as literal text
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    autoescape=False,
    undefined=jinja2.StrictUndefined,
    trim_blocks=False,
    keep_trailing_newline=False,
)
