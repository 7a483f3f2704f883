"""Judging the connection itself: zone, credential, allowance, lines of business."""

from __future__ import annotations

import re

from alertd.autotask import checklist_lines as lines
from alertd.autotask.checklist_evidence import Evidence, Trouble, Unanswered, Wanted
from alertd.autotask.checklist_lines import Item, Verdict, cannot_tell, missing, ok
from alertd.autotask.checklist_plan import own_resource_id
from alertd.autotask.refusals import ErrorBody, speaks_of_code, speaks_of_locked
from alertd.autotask.zone import Zone

_ALMOST_SPENT = 0.9  # of the tenant's allowance: alertd only makes critical tickets then
_SLOWED = 0.5  # Autotask delays every answer
_OUT_OF_ORDER = re.compile(r"HTTP (?:2\d\d|3\d\d|502|503|504)\b")


def judge_connection(evidence: Evidence, wanted: Wanted) -> list[tuple[Item, Verdict]]:
    """Return the lines about the connection. At most one of those about the credential is missing."""
    culprit, why = _culprit(evidence, wanted)
    judged = [
        (item, _credential_line(item, evidence, culprit, why))
        for item in (lines.USER_NAME, lines.SIGN_IN, lines.INTEGRATION_CODE)
    ]
    blocker = blocking_line(evidence, wanted)
    return [
        (lines.ZONE, _zone(evidence, wanted)),
        *judged,
        (lines.CUSTOM_INTEGRATION, _custom_integration(blocker)),
        (lines.REQUEST_THRESHOLD, _threshold(evidence, wanted, blocker)),
        (lines.LINES_OF_BUSINESS, _lines_of_business(evidence, wanted, blocker)),
    ]


def blocking_line(evidence: Evidence, wanted: Wanted) -> str | None:
    """Return the id of the line that keeps all behind the log-in from being seen; None: none."""
    culprit, _ = _culprit(evidence, wanted)
    return culprit.id if culprit is not None else None


def _culprit(evidence: Evidence, wanted: Wanted) -> tuple[Item | None, str]:
    """Return the one line that explains why no call has succeeded, and what was seen."""
    if evidence.signed_in:
        return None, ""
    if isinstance(evidence.zone, Unanswered):
        return _zone_culprit(evidence.zone, wanted)
    if evidence.refused_login:
        return _login_culprit(evidence.refused_login)
    seen = [each for each in evidence.answers.values() if isinstance(each, Unanswered)]
    throttled = next((each for each in seen if each.trouble is Trouble.THROTTLED), None)
    if throttled is not None:
        return lines.REQUEST_THRESHOLD, throttled.why
    asked = [each for each in seen if each.trouble is not Trouble.NOT_ASKED]
    told = f"no call has succeeded: {asked[0].why if asked else 'no call was answered'}"
    if asked and all(map(_is_out_of_order, asked)):
        return lines.ZONE, told
    return _login_culprit(told) if asked and asked[0].trouble is Trouble.REFUSED else (lines.SIGN_IN, told)


def _is_out_of_order(seen: Unanswered) -> bool:
    """Whether something answers that is no Autotask at work: a page, no such route, maintenance."""
    return seen.trouble is Trouble.NO_ROUTE or _OUT_OF_ORDER.match(seen.why) is not None


def _zone_culprit(seen: Unanswered, wanted: Wanted) -> tuple[Item, str]:
    unknown = seen.why.startswith("HTTP 500") or "could not be determined" in seen.why
    if seen.trouble is Trouble.REFUSED or unknown:
        return lines.USER_NAME, f"Autotask names no zone for the user {wanted.username!r}: {seen.why}"
    return lines.ZONE, seen.why


def _login_culprit(why: str) -> tuple[Item, str]:
    error = ErrorBody((why,))
    if speaks_of_code(error):
        return lines.INTEGRATION_CODE, why
    if speaks_of_locked(error):
        return lines.SIGN_IN, f"{why}: an administrator has to unlock the user"
    if "HTTP 401" in why:
        said = (
            "The secret is wrong, or the user is locked, inactive or may not use the API: Autotask "
            "answers these alike, so look at all four. A # or $ in a secret may have been cut off by a shell"
        )
        return lines.SIGN_IN, f"{why}. {said}"
    return lines.SIGN_IN, why


def _credential_line(item: Item, evidence: Evidence, culprit: Item | None, why: str) -> Verdict:
    if culprit is None:
        return ok("a call has succeeded")
    if item is culprit:
        return missing(why)
    if item is lines.USER_NAME and isinstance(evidence.zone, Zone):
        return ok("Autotask names a zone for it")
    return cannot_tell("no call has succeeded yet", culprit.id)


def _zone(evidence: Evidence, wanted: Wanted) -> Verdict:
    culprit, why = _culprit(evidence, wanted)
    if culprit is lines.ZONE:
        return missing(why)
    if isinstance(evidence.zone, Zone):
        zone = evidence.zone
        return ok(f"{zone.name or 'unnamed'}, customer number {zone.tenant_id}, {zone.url}")
    return cannot_tell("the zone is the user's", lines.USER_NAME.id)


def _custom_integration(blocker: str | None) -> Verdict:
    if blocker is not None:
        return cannot_tell("whether the tracking identifier fits shows at the first call", blocker)
    return ok("alertd is in no vendor list; the tracking identifier of a custom integration serves as well")


def _threshold(evidence: Evidence, wanted: Wanted, blocker: str | None) -> Verdict:
    if blocker == lines.REQUEST_THRESHOLD.id:
        return missing(_culprit(evidence, wanted)[1])
    if blocker is not None:
        return cannot_tell("no call has succeeded yet", blocker)
    answer = evidence.answer("threshold")
    return cannot_tell(answer.why) if isinstance(answer, Unanswered) else _usage(answer, wanted)


def _usage(answer: dict[str, object], wanted: Wanted) -> Verdict:
    used, allowed = answer.get("currentTimeframeRequestCount"), answer.get("externalRequestThreshold")
    if not isinstance(used, int) or not isinstance(allowed, int) or allowed <= 0:
        return cannot_tell("Autotask answered without its numbers")
    minutes = answer.get("requestThresholdTimeframe")
    frame = minutes if isinstance(minutes, int) else 60
    told = (
        f"{used:,} of {allowed:,} calls of all integrations in {frame} min "
        f"({used / allowed:.0%}); alertd's share is {wanted.calls_per_hour:,}"
    )
    if used >= _ALMOST_SPENT * allowed:
        return missing(f"{told}. Almost spent: alertd would only make critical tickets")
    if wanted.calls_per_hour > allowed:
        return missing(f"{told}, which is more than the tenant has: lower [autotask] calls_per_hour")
    return ok(f"{told}. Autotask delays every answer now" if used >= _SLOWED * allowed else told)


def _lines_of_business(evidence: Evidence, wanted: Wanted, blocker: str | None) -> Verdict:
    if blocker is not None:
        return cannot_tell("no call has succeeded yet", blocker)
    lines_there = evidence.found("lines_of_business")
    if isinstance(lines_there, Unanswered):
        if lines_there.trouble is Trouble.NO_ROUTE:
            return ok("this tenant has none")
        return cannot_tell(f"whether the tenant has any cannot be seen: {lines_there.why}")
    if not lines_there:
        return _none_visible(evidence)
    mine = evidence.found("own_lines_of_business")
    if isinstance(mine, Unanswered) or own_resource_id(evidence, wanted.username) is None:
        return cannot_tell(f"the tenant has {len(lines_there)}; which are the API user's cannot be seen")
    if not mine and evidence.access("OrganizationalResources", "Query") == "none":
        return cannot_tell(f"the tenant has {len(lines_there)}; who is associated with them cannot be seen")
    return _associated({row["id"] for row in lines_there}, {_association(row) for row in mine})


def _none_visible(evidence: Evidence) -> Verdict:
    if evidence.access("OrganizationalLevelAssociations", "Query") == "none":
        return cannot_tell("whether the tenant has any cannot be seen")
    return ok("this tenant does not use them")


def _association(row: object) -> object:
    return row.get("organizationalLevelAssociationID") if hasattr(row, "get") else None


def _associated(there: set[object], mine: set[object]) -> Verdict:
    if not there & mine:
        return missing(f"the tenant has {len(there)}, and the API user is associated with none")
    if there - mine:
        lacking = ", ".join(sorted(map(str, there - mine)))
        return cannot_tell(
            f"the API user is associated with {len(there & mine)} of {len(there)}; without id {lacking}. "
            "That is right if alertd shall not see those"
        )
    return ok(f"the API user is associated with all {len(there)}")
