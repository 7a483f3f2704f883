"""The write test: one ticket that is made, noted, tagged, untagged, completed, reopened and completed again.

It settles what Autotask's metadata does not tell. Whatever fails on the way, the ticket is completed if that
is possible, and its number is told as soon as it is known.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from alertd.autotask import checklist_lines as lines
from alertd.autotask import texts
from alertd.autotask.checklist_lines import Verdict, cannot_tell, missing, ok
from alertd.autotask.client import AutotaskClient
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Where
from alertd.autotask.records import ticket_record
from alertd.autotask.refusals import ErrorBody, is_unclear, speaks_of_permission
from alertd.core.tickets import Board
from alertd.flows.errors import OutcomeUnknown, PortError, Rejected, Unavailable
from alertd.flows.ports import Draft

REFERENCE_PREFIX = "check-"  # not that of incidents: no alertd may take the test ticket for one of its own
TITLE = "alertd connection test: please ignore"
TEXT = (
    "Made by `alertd check --write-test` to find out whether alertd may make, note, tag, complete and reopen "
    "tickets. It is completed at once and means nothing."
)
MOST_CALLS = 20  # HTTP calls of one write test, beside those of the checklist
_LAST_STEP = 13  # no step begins after so many: each may take five, and completing three more
_ALL_USERS = 1  # TicketNotes.publish
_IN_ANY_WORDS = (
    lines.EDIT_COMPLETE,
    lines.TAGS_REMOVE,
    lines.TICKETS_EDIT,
)  # how Autotask refuses these is nowhere documented
_TOLD = re.compile(r"HTTP (?:404|409|500): ")


class TrialPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the test ticket is made of."""

    board: Board
    company_id: int
    company: str
    note_type: int
    tag: str
    tag_group: str
    tag_group_id: int | None  # None: it is not there yet
    reference: str
    writable: frozenset[str]


async def try_out(
    client: AutotaskClient, plan: TrialPlan, *, made: Callable[[], int], say: Callable[[str], None]
) -> Mapping[str, Verdict]:
    """Make the test ticket and put it through everything that alertd does to tickets.

    Args:
        client: Calls to the tenant.
        plan: What the ticket is made of.
        made: Returns how many HTTP calls were made so far.
        say: Takes a line for the person who waits, as soon as there is one.

    Returns:
        What the test has shown, by the id of the line.
    """
    trying = _Trying(client, plan, made, say)
    if await trying.create():
        try:
            await trying.use()
        finally:
            await trying.leave_complete()
    return trying.verdicts


class _Trying:
    """One test ticket's life."""

    def __init__(
        self, client: AutotaskClient, plan: TrialPlan, made: Callable[[], int], say: Callable[[str], None]
    ) -> None:
        self._client = client
        self._plan = plan
        self._made = made
        self._began_at = made()
        self._say = say
        self.verdicts: dict[str, Verdict] = {}
        self._ticket_id = 0
        self._ticket = ""
        self._ours: bool | None = None  # not known before it is read back
        self._status: int | None = None  # as far as it is known
        self._tag_made: int | None = None
        self._troubles: list[str] = []  # that no other line tells
        self._refused: list[str] = []  # the lines that tell of the others

    async def create(self) -> bool:
        """Make the ticket; whether there is one."""
        try:
            self._ticket_id = await self._made_ticket()
        except Rejected as exc:
            if speaks_of_permission(str(exc)):
                self.verdicts[lines.TICKETS_ADD.id] = missing(f"Autotask refuses to make a ticket: {exc}")
                self._conclude(cannot_tell("no test ticket was made", lines.TICKETS_ADD.id))
            else:
                self._conclude(missing(f"Autotask refuses the test ticket: {exc}"))
            return False
        except PortError as exc:
            self._conclude(missing(self._unclear(exc)))
            return False
        self._ticket = f"ticket with id {self._ticket_id}"
        self.verdicts[lines.TICKETS_ADD.id] = ok(f"made a {self._ticket}")
        self._say(f"Made a test {self._ticket} for {self._plan.company}.")
        return True

    async def use(self) -> None:
        """Do to the ticket what alertd does to tickets."""
        if not await self._read_back():
            return
        await self._step(lines.NOTES_ADD, "noted", self._note)
        await self._tag()
        if await self._step(lines.TICKETS_EDIT, "completed", self._complete):
            await self._step(lines.EDIT_COMPLETE, "reopened", self._reopen)

    async def leave_complete(self) -> None:
        """Complete the ticket, unless it is somebody else's, and tell how all went."""
        left = ""
        try:
            if self._ours is None and not await self._is_there():
                raise Unavailable("whether the ticket is ours cannot be seen")
            if self._ours and self._status != self._plan.board.status_done:
                await self._complete()
        except PortError as exc:
            left = " may still be open, so complete it by hand"
            told = f"{self._ticket} for {self._plan.company}{left}"
            self._say(f"{told[:1].upper()}{told[1:]}.")
            if not self._refused:
                self._troubles.append(f"not completed: {exc}")
        if self._ours is False:
            told = f"{self._ticket}, somebody else's, came back, and was left as it is"
            self._conclude(cannot_tell(told, lines.DUPLICATE_HANDLING.id))
            return
        self._conclude(self._verdict(f"{self._ticket} for {self._plan.company}{left}"))

    def _verdict(self, told: str) -> Verdict:
        if self._troubles:
            return missing(f"{told}: {'; '.join(self._troubles)}")
        if self._refused:
            return cannot_tell(f"{told}: not all could be done to it", self._refused[0])
        return ok(f"{told}: made, noted, tagged, untagged, completed, reopened, completed")

    async def _made_ticket(self) -> int:
        try:
            return await self._client.create(
                "Tickets", "Tickets", self._record(), precedence=Precedence.CREATE
            )
        except OutcomeUnknown:
            found = await self._client.rows(
                Query(
                    entity="Tickets",
                    conditions=(Where("eq", "externalID", self._plan.reference),),
                    fields=("ticketNumber",),
                    limit=1,
                )
            )
            if not found.rows:
                raise
            made: int = found.rows[0]["id"]
            return made

    def _record(self) -> dict[str, Any]:
        board = self._plan.board
        draft = Draft(
            reference=self._plan.reference,
            title=TITLE,
            description=f"{TEXT}\n\n[ref: {self._plan.reference}]",
            company_id=self._plan.company_id,
            queue_id=board.queue_id,
            priority_id=board.priority_by_severity["info"],
            status_id=board.status_new,
            source_id=board.source_id,
            category_id=board.category_id,
            ticket_type_id=board.ticket_type_id,
            issue_id=board.issue_id,
            sub_issue_id=board.sub_issue_id,
            sla_id=board.sla_id,
            resource_id=board.resource_id,
            role_id=board.role_id,
        )
        return ticket_record(draft)

    async def _read_back(self) -> bool:
        """Look at the new ticket; whether it can be seen, and is ours."""
        try:
            seen = await self._is_there()
        except PortError as exc:
            self._troubles.append(f"it could not be read back: {exc}")
            return False
        if not seen:
            self._refuse(lines.TICKETS_VIEW, "the test ticket cannot be seen after it was made")
        return self._ours is True

    async def _is_there(self) -> bool:
        """Read the ticket, and settle whether it is ours: one that cannot be seen may be somebody else's."""
        row = await self._client.item("Tickets", self._ticket_id)
        if row is None:
            return False
        self._ticket = f"ticket {row.get('ticketNumber') or self._ticket_id}"
        self._say(f"It is {self._ticket}.")
        self.verdicts[lines.TICKETS_VIEW.id] = ok(f"read {self._ticket} back")
        self._ours = row.get("externalID") == self._plan.reference
        self._status = row.get("status")
        self.verdicts[lines.DUPLICATE_HANDLING.id] = (
            cannot_tell("the test ticket became one of its own; which would not, only the setting shows")
            if self._ours
            else missing(f"the test ticket was taken into {self._ticket} of the same company")
        )
        return True

    async def _step(self, item: lines.Item, what: str, act: Callable[[], Awaitable[None]]) -> bool:
        """Do one thing to the ticket, and settle the line of its right; whether it was done."""
        if self._made() - self._began_at > _LAST_STEP:
            self._troubles.append(f"not {what}, to keep to the number of calls")
            return False
        try:
            await act()
        except Rejected as exc:
            if item in _IN_ANY_WORDS or speaks_of_permission(str(exc)):
                self._refuse(item, f"{self._ticket} could not be {what}: {exc}")
            else:
                self._troubles.append(f"not {what}: {exc}")
            return False
        except PortError as exc:
            self._troubles.append(f"not surely {what}: {exc}")
            return False
        self.verdicts[item.id] = ok(f"{self._ticket} was {what}")
        return True

    async def _note(self) -> None:
        record = {
            "ticketID": self._ticket_id,
            "title": TITLE,
            "description": texts.cut(TEXT, texts.NOTE),
            "noteType": self._plan.note_type,
            "publish": _ALL_USERS,
        }
        await self._client.create(f"Tickets/{self._ticket_id}/Notes", "TicketNotes", record)

    async def _tag(self) -> None:
        """Put a tag on and take it off: ours, made if missing; any other where that is refused."""
        try:
            tag_id = await self._tag_id(Where("eq", "label", self._plan.tag))
            if tag_id is None:
                await self._step(lines.TAGS_ADMINISTER, "given a new tag", self._make_tag)
                tag_id = self._tag_made or await self._tag_id(Where("eq", "isActive", True))
        except PortError as exc:
            self._troubles.append(f"not tagged: {exc}")
            return
        if tag_id is None:
            if lines.TAGS_ADMINISTER.id not in self._refused:
                self._troubles.append("not tagged: there is no tag")
            return
        await self._put_on_and_off(tag_id)

    async def _make_tag(self) -> None:
        group_id = self._plan.tag_group_id
        if group_id is None:
            group = {"label": self._plan.tag_group, "isActive": True}
            group_id = await self._client.create("TagGroups", "TagGroups", group)
        tag = {"label": self._plan.tag, "isActive": True, "tagGroupID": group_id}
        self._tag_made = await self._client.create("Tags", "Tags", tag)

    async def _tag_id(self, *conditions: Where) -> int | None:
        query = Query(entity="Tags", conditions=conditions, fields=("label",), limit=1)
        rows = await self._client.first(query)
        found = rows[0]["id"] if rows else None
        return found if isinstance(found, int) else None

    async def _put_on_and_off(self, tag_id: int) -> None:
        path, entity = f"Tickets/{self._ticket_id}/TagAssociations", "TicketTagAssociations"
        try:
            record = {"tagID": tag_id, "ticketID": self._ticket_id}
            association_id = await self._client.create(path, entity, record)
        except PortError as exc:
            self._troubles.append(f"not tagged: {exc}")
            return

        async def take_off() -> None:
            try:
                await self._client.delete(f"{path}/{association_id}", entity)
            except OutcomeUnknown as exc:
                if not _is_told(exc) or await self._client.item(entity, association_id) is None:
                    raise
                raise Rejected(str(exc)) from exc

        await self._step(lines.TAGS_REMOVE, "untagged", take_off)

    async def _complete(self) -> None:
        await self._set_status(self._plan.board.status_done)

    async def _reopen(self) -> None:
        await self._set_status(self._plan.board.status_new)

    async def _set_status(self, status: int) -> None:
        """Change the status, and look: what is not allowed may be answered as if it had been done."""
        before, self._status = self._status, None
        told = "Autotask answered that it was, and yet it has the status it had before"
        try:
            await self._client.change(
                "Tickets", self._ticket_id, {"status": status}, writable=lambda: self._plan.writable
            )
        except Rejected:
            self._status = before
            raise
        except OutcomeUnknown as exc:
            if not _is_told(exc):
                raise
            told = str(exc)
        row = await self._client.item("Tickets", self._ticket_id)
        self._status = None if row is None else row.get("status")
        if self._status == before:
            raise Rejected(told)

    def _refuse(self, item: lines.Item, why: str) -> None:
        self.verdicts[item.id] = missing(why)
        self._refused.append(item.id)

    def _unclear(self, exc: PortError) -> str:
        if isinstance(exc, OutcomeUnknown):
            return f"a ticket called {TITLE!r} may have been made, so look for it and complete it: {exc}"
        return f"no test ticket could be made: {exc}"

    def _conclude(self, verdict: Verdict) -> None:
        self.verdicts[lines.WRITE_TEST.id] = verdict


def _is_told(exc: OutcomeUnknown) -> bool:
    """Whether Autotask has answered in words, if in none that are known: a look shows what it did."""
    why = str(exc)
    return _TOLD.match(why) is not None and not is_unclear(ErrorBody((why,)))
