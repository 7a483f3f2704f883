"""How incidents, alerts and receipts are told to somebody who has just been woken up by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from alertd.cli.tables import one_line

Document: TypeAlias = Mapping[str, Any]


def instant(text: str | None) -> str:
    """Return an instant as tickets write it, to the second, in UTC."""
    if not text:
        return "-"
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def labels(of: Document) -> str:
    """Return labels as matchers write them."""
    return ", ".join(f'{name}="{one_line(value)}"' for name, value in of.items()) or "none"


def incident(told: Document) -> Iterator[str]:
    """Yield the lines about one incident: how it stands, what comes next, what happened."""
    yield one_line(f"{told['state'].upper()}: {told['title']} [{told['severity']}]")
    yield from _facts(_incident_facts(told) | _standing_facts(told))
    yield from _members(told.get("members", ()))
    yield from _children(told.get("storm", {}))
    yield from happened(told.get("history", ()))
    yield from _calls(told.get("calls", ()), told.get("calls_left_out", 0))


def _calls(calls: Sequence[Document], left_out: int) -> Iterator[str]:
    if not calls:
        return
    counts = Counter(call["endpoint"] for call in calls)
    said = ", ".join(f"{endpoint} {count}" for endpoint, count in counts.most_common())
    yield f"Calls to Autotask still on record: {said}{f', and {left_out} before these' if left_out else ''}"
    for call in calls:
        name = " ".join(filter(None, (call.get("operation"), call["endpoint"])))
        yield f"  {instant(call['at'])}  {name}: {_ended(call)}"


def _ended(call: Document) -> str:
    if not call.get("outcome"):
        return "no answer is known"
    status = f" ({call['status']})" if call.get("status") else ""
    return f"{call['outcome']}{status}{': ' + one_line(call['answer']) if call.get('answer') else ''}"


def _incident_facts(told: Document) -> dict[str, object]:
    ticket = f"{told['ticket'] or 'number not read back yet'} (id {told['ticket_id']})"
    if told.get("planned"):
        ticket = f'{told["ticket"]}: not made, since mode is "shadow"'
    return {
        "Next": told.get("next"),
        "Ticket": ticket if told["ticket_id"] is not None else "none yet",
        "Link": told.get("url"),
        "Customer": told["client"] or "unknown",
        "Board": f"{told['board']}, by route {told['route']}",
        "Group": labels(told["group"]),
        "Opened": instant(told["opened_at"]),
        "Touched": told["touched"] and f"by {told['touched']}",
        "Silenced": told.get("silenced_by") and not _is_inhibited(told) and _silenced(told),
        "Inhibited": told.get("silenced_by") and _is_inhibited(told) and _silenced(told),
        "Storm": told.get("storm") and _storm(told["storm"]),
        "In storm": told.get("folded_into") and _folded_into(told["folded_into"]),
        "Parked": told["parked"],
        "Incident": f"{told['incident']}, generation {told['generation']}",
        "Reference": told["reference"],
        "Receipt": told["receipt"],
    }


def _standing_facts(told: Document) -> dict[str, object]:
    """What is not as it should be yet, and why; nothing of an incident that an older release tells of."""
    now, routed = told.get("standing"), told.get("routed")
    if not now or not routed:
        return {}
    ended = told["members_total"] - told["firing"]
    messages = ", ".join(f"{name} {count}" for name, count in now["tally"].items())
    changes = routed["differs_today"].items()
    today = ", ".join(f"{name} {each['then']}, today {each['today']}" for name, each in changes)
    return {
        "To do": "; ".join(now["differs"]),
        "Held up": now["held"],
        "Merged": f"{told['firing']} firing, {ended} over; messages: {messages or 'none'}",
        "Route": today if routed["exists_today"] else "is not in today's configuration any more",
    }


def _is_inhibited(told: Document) -> bool:
    return told.get("silenced_kind") == "inhibited"


def _silenced(told: Document) -> str:
    said = f" ({told['silenced_said']})" if told["silenced_said"] else ""
    until = f"until {instant(told['silenced_until'])}, " if told["silenced_until"] else ""
    return f"{until}by {', '.join(told['silenced_by'])}{said}"


def _storm(told: Document) -> str:
    state = "lasts" if told["active"] else "is over"
    return (
        f"{state}: {told['arrived']} alerts since {instant(told['began_at'])}, {told['folded']} folded: "
        f"{told['firing']} fire, {told['cleared']} are over, {told['promoted']} have got their own tickets"
    )


def _folded_into(told: Document) -> str:
    ticket = f", ticket {told['ticket']}" if told["ticket"] else ""
    return f"{told['incident']}{ticket}" + ("" if told["folded"] else ", until it left it")


def _children(storm: Document) -> Iterator[str]:
    """Yield what is in a storm, as far as it is told."""
    children = storm.get("children", ())
    if children:
        yield "In this storm:"
    for child in children:
        where = f"{child['host']}: " if child["host"] else ""
        what = f"{child['state'].upper()}: {where}{child['title']} [{child['severity']}]"
        yield f"  {one_line(what)}, incident {child['incident']}"
    left = storm.get("folded", 0) - len(children)
    if left > 0:
        yield f"  and {left} more: alertd incidents list --state folded"


def _facts(facts: Mapping[str, object]) -> Iterator[str]:
    """Yield what is known, in two columns."""
    known = {name: one_line(value) for name, value in facts.items() if value}
    width = max(map(len, known), default=0)
    yield from (f"  {name.ljust(width)}  {value}" for name, value in known.items())


def _members(members: Sequence[Document]) -> Iterator[str]:
    if members:
        yield "Alerts:"
    for member in members:
        where = f"{member['host']}: " if member.get("host") else ""
        ended = member.get("ended_at")
        how = "expired" if member.get("expired") else "cleared"
        state = f"{how} {instant(ended)}" if ended else f"firing since {instant(member['since'])}"
        yield f"  {one_line(where + member['title'])} [{member['severity']}], {state}"


def happened(history: Sequence[Document]) -> Iterator[str]:
    """Yield the lines of a history, oldest first."""
    if history:
        yield "What happened:"
    for line in history:
        detail = ", ".join(f"{name} {one_line(value)}" for name, value in line["detail"].items())
        yield f"  {instant(line['at'])}  {line['what']}{f' ({detail})' if detail else ''}"


def explanation(told: Document) -> Iterator[str]:
    """Yield the lines about whatever was asked for."""
    if "receipt" in told:
        yield from _receipt(told["receipt"])
    for alert in told.get("alerts", ()):
        yield from _alert(alert)
    for condition in told.get("conditions", ()):
        yield from _condition(condition)
    yield from happened(told.get("history", ()))
    yield from _counted(told.get("usage", ()))
    incidents = told.get("incidents", ())
    for number, each in enumerate(each for each in incidents if "next" in each):
        if number or told["kind"] != "incident":
            yield ""
        yield from incident(each)
    yield from _in_brief([each for each in incidents if "next" not in each])


def _counted(counts: Sequence[Document]) -> Iterator[str]:
    for each in counts:
        what = f"{each['count']} of service {each['service_id']} for account {each['account_id']}"
        yield f"Counted: {one_line(what)}; alertd usage show --source {each['source']} tells the newest"


def _in_brief(incidents: Sequence[Document]) -> Iterator[str]:
    if incidents:
        yield ""
        yield f"{len(incidents)} more incidents; alertd incidents show INCIDENT tells one in full:"
    for each in incidents:
        title = f"{each['state'].upper()}: {each['title']} [{each['severity']}]"
        yield f"  {one_line(title)}, {each['ticket'] or 'no ticket number yet'}, incident {each['incident']}"


def _receipt(told: Document) -> Iterator[str]:
    yield f"Receipt {told['receipt']}, from {one_line(told['source'])}"
    facts = {
        "Received": f"{instant(told['received_at'])}{' from ' + told['peer'] if told['peer'] else ''}",
        "Alerts": told["messages"],
        "Decided": "yes" if told["decided"] else "not yet",
        "Parked": told["parked"] and f"{told['parked_messages']} of them: {told['parked']}",
        "Parameters": told.get("params") and labels(told["params"]),
    }
    yield from _facts(facts)


# what reading met, by annotation
_MET = {
    "ignored": "Makes no ticket",
    "update": "Told, and changes nothing",
    "unknown_status": "Nobody knows the state, so it counts as firing",
    "unknown_severity": "Nobody knows the severity",
    "unkeyed": "Nothing says which problem it is, so it stands alone",
}


def _alert(told: Document) -> Iterator[str]:
    yield f"Alert {told['fingerprint']}: {told['status']} [{told['severity']}], {labels(told['labels'])}"
    for name, meaning in _MET.items():
        if text := told["annotations"].get(name):
            yield f"  {meaning}: {one_line(text)}"
    if told["status"] in ("ignored", "updated"):
        return
    for place in told["would_join"]:
        where = f"on board {place['board']} by route {place['route']}"
        yield f"  Today it would join incident {place['incident']} {where}"
    yield from _steps(told["routes"])


def _steps(steps: Sequence[Document]) -> Iterator[str]:
    for step in steps:
        yield f"  {'  ' * step['depth']}{step['route_name']}: {step['outcome']}, {step['reason']}"


def _condition(told: Document) -> Iterator[str]:
    state = "firing" if told["firing"] else "expired" if told["expired"] else "cleared"
    yield f"Alert {told['fingerprint']} of {told['source']}: {state} [{told['severity']}]"
    facts = {
        "Labels": labels(told["labels"]),
        "Started": instant(told["started_at"]),
        "Last heard": instant(told["seen_at"]),
        "Ended": told["ended_at"] and instant(told["ended_at"]),
        "Expires": told["expires_at"] and f"{instant(told['expires_at'])}, unless it is repeated",
        "Incidents": ", ".join(told["incidents"]),
    }
    yield from _facts(facts)
    if told.get("routes"):
        yield "  Today's routes:"
        yield from _steps(told["routes"])
