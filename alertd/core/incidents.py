"""Incidents: the conditions that share a ticket, from first firing until closed.

The state is a sum of shapes, each carrying only what is true in it, and so are the changes. How a change
moves an incident is `core/deciding.py`; what its ticket should look like follows from the incident alone:
see `core/levels.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias, assert_never

import msgspec
from msgspec.structs import astuple

from alertd.core.alerts import AlertKey, OnExpiry, Severity
from alertd.core.clients import Customer
from alertd.core.held_back import HeldBack
from alertd.core.routes import Policy
from alertd.core.silences import Quiet, QuietKind
from alertd.core.storms import Storm
from alertd.core.tickets import Ticket

# --- shapes -------------------------------------------------------------------------------------------


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an alert stands on a list of those that got no ticket."""

    revision: int  # of the list, which has had it since then
    at: datetime
    client: str
    times: int = 1


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition of the incident, as its ticket tells of it."""

    key: AlertKey
    title: str
    severity: Severity
    since: datetime
    host: str = ""
    description: str = ""
    url: str = ""
    clues: dict[str, str] = {}  # what else names its device: some of DEVICE_LABELS
    ended_at: datetime | None = None
    expired: bool = False
    on_expiry: OnExpiry = "note"  # where the route does not say
    update: str = ""  # what its source said last about it, beside that it fires
    quiet: Quiet | None = None  # what silenced it when it was last asked, which is while there is no ticket
    turns: tuple[datetime, ...] = ()  # when it cleared, came back or changed its severity, of late
    listed: Listed | None = None

    @property
    def firing(self) -> bool:
        """Whether its condition holds."""
        return self.ended_at is None


class Waiting(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Before the first ticket: collecting alerts, or seeing whether they clear by themselves."""

    until: datetime
    collected_at: datetime | None = None  # when the group's own wait ends; None: nothing else is waited for


class Silenced(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Everything that fires is kept quiet, by a silence or something like it: no ticket is made yet."""

    since: datetime
    until: datetime | None  # when some of it is quiet no more; None: until something else changes
    by: tuple[str, ...] = ()  # as in `Quiet`
    said: str = ""  # who silences it, and why
    kind: QuietKind = "silence"  # of what is first over


class Folded(msgspec.Struct, frozen=True, tag=True):
    """One of many in a storm, told of in the parent's ticket: none of its own is made yet."""

    since: datetime


class Open(msgspec.Struct, frozen=True, tag=True):
    """A condition holds."""


class Holding(msgspec.Struct, frozen=True, tag=True):
    """Every condition is over; the ticket waits, in case one comes back."""

    since: datetime
    until: datetime
    expired: bool = False


class Expired(msgspec.Struct, frozen=True, tag=True):
    """The sources went silent, which is no all-clear: the ticket stays open and watched."""

    since: datetime


HowTaken: TypeAlias = Literal["completed", "wont fix", "merged"]


class Acknowledged(msgspec.Struct, frozen=True, tag=True):
    """A person completed the ticket while a condition holds: quiet until it has really cleared.

    A pause that is shorter than the route's hold is no clear, or each flap would make a new ticket. A plain
    completion is good for the route's `acknowledge_limit`: see core/acknowledging.py.
    """

    since: datetime
    until: datetime | None = None  # every condition is over; really cleared if none is back by then
    how: HowTaken = "completed"


How: TypeAlias = Literal["cleared", "expired", "person", "gone", "operator", "shadowed"]


# what was over while its create was on its way: whether that ticket tells of it is not known yet; it does not
Untold: TypeAlias = Literal["", "create", "list"]


class Closed(msgspec.Struct, frozen=True, tag=True):
    """Over. Firing again before `reopen_until` reopens the ticket."""

    at: datetime
    how: How
    reopen_until: datetime
    wants_ticket: bool = False  # over before its ticket could be made, and policy wants one all the same
    untold: Untold = ""


Phase: TypeAlias = Waiting | Silenced | Folded | Open | Holding | Expired | Acknowledged | Closed


# why a problem has a further ticket: it is back, a person's completion is too old to go by, the ticket before
# is gone, or cannot be reopened
WhyNew: TypeAlias = Literal["back", "outlasted", "gone", "refused"]


What: TypeAlias = Literal[
    "joined",
    "fired again",
    "cleared",
    "expired",
    "raised",  # to a severity worse than the ticket's
    "severity",  # any other change of it
    "updated",
    "left open",
    "reopened",
    "linked",
    "flapping",
    "stable",
    "rejoined",
    "held back",
    "calm",
]


class Happened(msgspec.Struct, frozen=True):
    """A change worth telling in the next note."""

    revision: int
    at: datetime
    what: What
    title: str = ""
    host: str = ""
    detail: str = ""
    key: str = ""  # the member's, where it is about one
    times: int = 1  # so many changes are folded into this one


class Flapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """It changes too often to be followed change by change."""

    since: datetime
    until: datetime  # stable from then on, if nothing changes any more
    changes: int = 0  # since `since`
    reopens: int = 0  # its ticket was completed and needed again so often; 0: that is not why
    told: bool = False  # a note has been asked for since


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """Alert messages of this incident by disposition; the totals move by the difference of two tallies."""

    pending: int = 0
    held: int = 0
    silenced: int = 0
    inhibited: int = 0
    ticketed: int = 0
    merged: int = 0
    expired: int = 0
    cleared_unticketed: int = 0

    @property
    def waiting(self) -> int:
        """Those that a ticket made now would take up."""
        return self.pending + self.held + self.silenced + self.inhibited

    @property
    def total(self) -> int:
        """All of them."""
        return sum(astuple(self))

    def minus(self, other: Tally) -> dict[str, int]:
        """Return what changed from `other` to this, by disposition; zeros are left out."""
        pairs = zip(self.__struct_fields__, astuple(self), astuple(other), strict=True)
        return {name: mine - theirs for name, mine, theirs in pairs if mine != theirs}


# a problem's alerts; many problems in a storm; what is told afterwards, born complete
IncidentKind: TypeAlias = Literal["problem", "storm", "summary"]


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Our record of one problem, or of a list of problems (`kind`)."""

    key: str
    kind: IncidentKind = "problem"
    policy: Policy
    group: dict[str, str]
    client: str
    labels: dict[str, str] = {}  # those that all its alerts have had in common since it last began
    phase: Phase
    opened_at: datetime
    members: dict[AlertKey, Member]
    severity: Severity  # as the ticket shows it: raised at once, lowered with the next note
    customer: Customer | None = None  # as the alert that opened it says; None: an older release opened it
    receipt: str = ""  # of the message that opened it
    generation: int = 1
    revision: int = 0
    changes: tuple[Happened, ...] = ()
    changes_left_out: int = 0
    note_upto: int = 0
    noted_at: datetime | None = None  # when a note was last asked for
    linked_at: datetime | None = None  # when the ticket was first known to stand
    ticket: Ticket | None = None
    completed: bool = False  # Autotask showed or confirmed that the ticket is complete
    touched: str = ""  # who or what worked on the ticket; empty: nobody
    status_taken: bool = False  # somebody else set its status: it is theirs from then on
    foreign: bool = False  # the ticket was there before us; Autotask's duplicate handling answered with it
    previous: Ticket | None = None  # of the generation before this one
    why_new: WhyNew = "back"  # why there is one after it
    outlasted: int = 0  # completions by people, in a row, that this problem has outlasted
    outside_until: datetime | None = None  # it opened outside its route's hours, which begin then
    last_silence: Silenced | None = (
        None  # that held this generation's ticket back; `until`: it did until then
    )
    held_back: HeldBack | None = None  # what its alerts inhibit; None: never anything
    scope: str = ""  # where it counts towards a storm
    wanted_at: datetime | None = None  # when it last began to want a ticket; of a parent: promoted last
    storm_key: str = ""  # of the parent that it is folded into, or was before it got its own ticket
    storm_ticket: str = ""  # that parent's, where it has been promoted
    storm: Storm | None = None  # of a parent
    tally: Tally = Tally()
    flapping: Flapping | None = None
    reopened_at: tuple[datetime, ...] = ()  # when a ticket that we had completed was needed again, of late

    @property
    def firing(self) -> bool:
        """Whether any condition holds."""
        return any(member.firing for member in self.members.values())


# --- changes ------------------------------------------------------------------------------------------


class Fired(msgspec.Struct, frozen=True):
    """A condition began, or came back."""

    member: Member
    messages: int = 1  # to count here; 0 where another incident of the same alert counts them
    awaits_source: bool = False  # nothing inhibits it yet, and a rule might


class Changed(msgspec.Struct, frozen=True):
    """A condition that holds has another severity."""

    member: Member
    messages: int = 1


class Ended(msgspec.Struct, frozen=True):
    """A condition is over: cleared by its source, or expired by silence."""

    key: AlertKey
    at: datetime
    expired: bool = False
    messages: int = 1


class Updated(msgspec.Struct, frozen=True):
    """A source says something about a condition that holds: who acknowledged it, a comment."""

    key: AlertKey
    text: str
    messages: int = 1


class Counted(msgspec.Struct, frozen=True):
    """Messages that changed nothing else: repeats."""

    messages: int


class Quieted(msgspec.Struct, frozen=True):
    """What silences its conditions now has been asked anew; None: nothing does."""

    quiet_by_key: dict[AlertKey, Quiet | None]


class Inhibiting(msgspec.Struct, frozen=True):
    """What its alerts hold back has changed."""

    held_back: HeldBack


class Promoted(msgspec.Struct, frozen=True):
    """What was folded into a storm is to have a ticket of its own; the storm's has this number."""

    storm_ticket: str = ""


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


class Linked(msgspec.Struct, frozen=True):
    """The ticket stands in Autotask; its description covers changes up to `revision`."""

    ticket: Ticket
    revision: int


class FoundForeign(msgspec.Struct, frozen=True):
    """Autotask answered the create with a ticket that was there already."""


class Rejoined(msgspec.Struct, frozen=True):
    """The ticket of an earlier generation turned out to be open again: it goes on there."""


class Noted(msgspec.Struct, frozen=True):
    """The ticket's notes speak of everything up to `upto`."""

    upto: int


class Completed(msgspec.Struct, frozen=True):
    """Autotask confirmed our completion."""


class Reopened(msgspec.Struct, frozen=True):
    """Autotask confirmed that the ticket is open again."""


class Touched(msgspec.Struct, frozen=True):
    """A person worked on the ticket. `status`: they set its status, which is theirs from now on."""

    by: str
    status: bool = False


class CompletedByPerson(msgspec.Struct, frozen=True):
    """A person completed the ticket. `lasting`: with a status that says it will not be fixed."""

    lasting: bool = False


class Merged(msgspec.Struct, frozen=True):
    """A person merged the ticket into another one, which takes its place."""

    survivor: Ticket


class Gone(msgspec.Struct, frozen=True):
    """The ticket is not in Autotask any more."""


class ReopenRefused(msgspec.Struct, frozen=True):
    """Autotask does not let us open a complete ticket again: a new, linked one takes over."""


class Renumbered(msgspec.Struct, frozen=True):
    """Autotask holds tickets of this incident that this store has forgotten: count on from there."""

    generation: int


class Dismissed(msgspec.Struct, frozen=True):
    """An operator closed the incident."""


Change: TypeAlias = (
    Fired
    | Changed
    | Ended
    | Updated
    | Counted
    | Quieted
    | Inhibiting
    | Promoted
    | Tick
    | Linked
    | FoundForeign
    | Rejoined
    | Noted
    | Completed
    | Reopened
    | Touched
    | CompletedByPerson
    | Merged
    | Gone
    | ReopenRefused
    | Renumbered
    | Dismissed
)


# states of incidents that are not closed, as lists and metrics name them
RESTING_STATES = ("waiting", "holding", "acknowledged")  # in which nothing may fire, and that is not the end
QUIET_STATES = ("silenced", "inhibited", "held")
OPEN_STATES = (
    "waiting",
    *QUIET_STATES,
    "opening",
    "open",
    "holding",
    "acknowledged",
    "folded",
    "expired",
    "parked",
)


_QUIET_STATE: dict[QuietKind, str] = {
    "silence": "silenced",
    "inhibited": "inhibited",
    "window": "held",
    "interval": "held",
}


def state_of(incident: Incident) -> str:
    """Return the incident's state as metrics, lists and state tags name it."""
    match incident.phase:
        case Waiting():
            return "waiting"
        case Silenced(kind=kind):
            return _QUIET_STATE[kind]
        case Folded():
            return "folded"
        case Open():
            return "open" if incident.ticket is not None else "opening"
        case Holding():
            return "holding"
        case Expired():
            return "expired"
        case Acknowledged():
            return "acknowledged"
        case Closed():
            return "closed"
        case _:
            assert_never(incident.phase)


def customer_of(incident: Incident) -> Customer:
    """Return whose the incident is: as the alert says that opened it, whatever has joined or gone since."""
    if incident.customer is not None:
        return incident.customer
    first = next(iter(incident.members), "")
    return Customer(source=first.partition("\x1f")[2], client=incident.client)


def is_live(incident: Incident) -> bool:
    """Whether a condition that fires again belongs here whatever today's routes say."""
    return not isinstance(incident.phase, Closed)


def may_complete(incident: Incident) -> bool:
    """Whether policy, and what people did, let us complete the ticket ourselves."""
    if incident.foreign or incident.status_taken:
        return False
    match incident.policy.close:
        case "always":
            return True
        case "untouched":
            return not incident.touched
        case _:
            return False


def wants_missed(incident: Incident) -> bool:
    """Whether what was over before its ticket could be made gets one: by policy, and always if critical.

    What cleared while its group was still waiting never reached the point of wanting one, unless critical
    (and then only if its route does not make critical ones wait); and what was silenced never wanted one.
    A storm's parent speaks for others, so it is always made; what is folded is told of there.
    """
    if incident.kind == "storm":
        return True
    if isinstance(incident.phase, Silenced | Folded):
        return False
    if isinstance(incident.phase, Waiting) and incident.policy.wait_for.get(Severity.CRITICAL.value):
        return False
    if incident.severity is Severity.CRITICAL:
        return True
    return incident.policy.missed == "ticket" and not isinstance(incident.phase, Waiting)
