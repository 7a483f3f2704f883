"""What the ticket of a storm says: how many alerts there are, and those that matter most as a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from alertd.core import text
from alertd.core.incidents import Closed, Folded, Incident, Member
from alertd.core.storms import Storm

MOST_ROWS = 40
LONGEST_ROW = 150
LONGEST_TABLE = 3800  # below what a description has room for


def shown(parent: Incident, children: Sequence[Incident]) -> Incident:
    """Return the parent as if it were one alert that says all this, for the templates of every ticket.

    What is no storm's parent is returned as it is.

    Args:
        parent: A storm's.
        children: Those to be shown, in order.
    """
    storm = parent.storm
    if storm is None:
        return parent
    said = "\n".join([*_counts(storm), "", *_table(storm, children)])
    members = {
        key: replace(member, title=_title(parent, storm), description=text.cut(said, text.MOST_SAID))
        for key, member in parent.members.items()
    }
    return replace(parent, members=members)


def note_text(parent: Incident, children: Sequence[Incident], *, after: int, upto: int) -> tuple[str, str]:
    """Return title (without its mark) and text of a note: what happened, how it stands, the table."""
    storm = parent.storm
    if storm is None:
        return text.note_text(parent, after=after, upto=upto)
    told = text.change_lines(parent, after=after, upto=upto)
    lines = [*told, *([""] if told else []), *_counts(storm), "", *_table(storm, children)]
    title = f"{storm.firing} firing in this storm"
    return title, text.cut_lines(text.clean("\n".join(lines)), text.NOTE_LENGTH)


def resolution_text(incident: Incident) -> str:
    """Return what the resolution of any ticket says when we complete it; a storm's counts its alerts."""
    if incident.storm is None:
        return text.resolution_text(incident)
    return text.cut_lines("\n".join([text.over(incident), *_counts(incident.storm)]), text.RESOLUTION_LENGTH)


def _title(parent: Incident, storm: Storm) -> str:
    where, count = ", ".join(parent.group.values()), max(storm.arrived, storm.folded)
    return text.one_line(f"Storm: {count} alerts at {where or 'a customer that is not named'}")


def _counts(storm: Storm) -> list[str]:
    by_severity = sorted(storm.firing_by_severity.items(), key=_rank)
    firing = ", ".join(f"{count} {name}" for name, count in by_severity)
    lines = [
        f"{max(storm.arrived, storm.folded)} alerts since {text.instant(storm.began_at)}; {storm.folded} of "
        "them have no ticket of their own and are followed here.",
        f"Of these: firing {storm.firing}{f' ({firing})' if firing else ''}, over {storm.cleared}, "
        f"with a ticket of their own by now {storm.promoted}.",
    ]
    if storm.active:
        return [*lines, "While the storm lasts, new alerts join it, unless they are critical."]
    return [*lines, "The storm is over: new alerts get tickets of their own."]


def _rank(pair: tuple[str, int]) -> int:
    return ["critical", "high", "warning", "low", "info"].index(pair[0])


def _table(storm: Storm, children: Sequence[Incident]) -> list[str]:
    """Return a header and a row for each child that there is room for; the rest is counted."""
    rows: list[str] = []
    room = LONGEST_TABLE
    for child in children[:MOST_ROWS]:
        row = text.cut(_row(child), LONGEST_ROW)
        room -= len(row) + 1
        if room < 0:
            break
        rows.append(row)
    left = storm.folded - len(rows)
    if not rows:
        return []
    more = [f"and {left} more"] if left > 0 else []
    return ["Severity | Device | Problem | Since | State", *rows, *more]


def _row(child: Incident) -> str:
    main = min(child.members.values(), key=_firing_first)
    state = "firing" if child.firing else "over"
    if child.ticket is not None and not isinstance(child.phase, Folded | Closed):
        state = f"ticket {child.ticket.number or child.ticket.id}"
    problem = text.cut(text.one_line(main.title).replace("|", "/"), 48)
    if len(child.members) > 1:
        problem = f"{problem} (+{len(child.members) - 1} more)"
    host = text.cut(text.one_line(main.host), 24) or "-"
    return " | ".join([child.severity.value, host, problem, text.instant(main.since), state])


def _firing_first(member: Member) -> tuple[bool, int, datetime]:
    return not member.firing, member.severity.rank, member.since
