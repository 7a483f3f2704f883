"""What Autotask's error texts mean. It answers 500 to nearly everything, so the text has to decide.

Source: the texts and behaviours collected in the API reference, sections 1.4, 2.5 and 4. Wordings drift, so
the patterns are as wide as they may be without taking an unclear text for a clear refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

_SHOWN = 256


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_REFUSED = _any(
    r"missing required field",
    r"cannot all be empty",
    r"you must assign",
    r"data violation",
    r"reference value on field",
    r"does not reference an existing",
    r"is not associated (?:to|with)",
    r"cannot be (?:associated|edited|changed|updated|deleted|created|empty|null)",
    r"does(?: not|n't) exist for (?:child )?picklist",
    r"(?:picklist|value)\b.{0,120}\b(?:does not exist|is(?: not valid| invalid| inactive))",
    r"(?:picklist|value)\b.{0,120}\bnot (?:a valid|active)",
    r"(?:does not exist or is|is not a valid|invalid (?:value|picklist))",
    r"must be (?:less|greater|between|unique|at least|at most|a valid|set|specified|one of)",
    r"already (?:exists|associated|been added|assigned)",
    r"^string value",
    r"(?:exceeds?|longer than|more than) (?:the )?(?:max|allowed|limit|\d)",
    r"maximum (?:of|number|length|allowed)",
    r"must have an? |require a start",
    r"adequate permissions?",
    r"(?:not|n't) have (?:the )?(?:required |sufficient |adequate )?permissions?",
    r"(?:is|are) (?:read[- ]?only|required|not queryable|not allowed|not permitted)",
    r"could not be found\.?$",
    r"no matching records found",
    r"unexpected character encountered while parsing",
    r"unable to find .{1,100} in the .{1,100} entity",
    r"conversion failed when converting",
    r"maxcountofrecordstoreturn",
    r"invalid query syntax",
    r"already approved and posted",
    r"inactive (?:resource|contact|company|queue|value|picklist|role|tag)",
)
# Faults of the server, some of which read like refusals: they may come after the commit.
_UNCLEAR = _any(
    r"unexpected error has occurred",
    r"error id\s*:",
    r"parameter name:",
    r"nullable object",
    r"item with the same key",
    r"object reference not set",
    r"deadlock",
    r"\blocked by\b",
    r"timeout expired",
)
_THREADS = _any(r"thread threshold", r"threshold of \d+ threads", r"too many concurrent")
_THRESHOLD = _any(r"request threshold", r"threshold of [\d,]+ (?:external )?(?:api )?(?:requests|calls)")
_MAYBE_THRESHOLD = _any(
    r"threshold (?:has been |was )?(?:exceeded|reached)",
    r"(?:exceeded|over|reached) (?:the|your) .{0,40}threshold",
    r"too many requests",
)
_CODE = _any(r"integration ?code", r"tracking id(?:entifier)?\b")
_LOCKED = _any(r"(?:account|user) (?:has been|is) locked")
_CREDENTIAL = _any(_CODE.pattern, _LOCKED.pattern)
_MAYBE_CREDENTIAL = _any(
    r"user ?name", r"password", r"credential", r"log[- ]?in (?:failed|is)", r"unauthori[sz]ed"
)
# Validation of a value: certain to have come before anything was stored.
_VALUES = _any(
    r"missing required field",
    r"cannot all be empty",
    r"data violation",
    r"reference value on field",
    r"does not reference an existing",
    r"(?:is not|cannot be) associated (?:to|with)",
    r"does(?: not|n't) exist for (?:child )?picklist",
    r"(?:picklist|value)\b.{0,120}\b(?:does not exist|is(?: not valid| invalid| inactive))",
    r"^string value",
    r"must be (?:less|greater|between|at least|at most|a valid|set|specified|one of)",
    r"unable to find .{1,100} in the .{1,100} entity",
    r"conversion failed when converting",
    r"inactive (?:resource|contact|company|queue|value|picklist)",
)
_PARTS = {
    "configurationItemID": "device",
    "contractID": "contract",
    "contactID": "contact",
    "companyLocationID": "location",
    "ticketCategory": "category",
    "ticketType": "ticket type",
    "issueType": "issue",
    "subIssueType": "issue",
    "serviceLevelAgreementID": "SLA",
    "source": "source",
    "assignedResourceID": "assignee",
    "assignedResourceRoleID": "assignee",
    "this Role": "assignee",
    "dueDateTime": "due date",
    "queueID": "queue",
    "priority": "priority",
    "companyID": "company",
}
_LINKS = frozenset(
    {"device", "contract", "contact", "location"}
)  # whose texts also name the company that they lack
_PERMISSION = _any(
    r"adequate permissions?",
    r"(?:not|n't) have .{0,40}permissions?",
    r"not (?:permitted|authori[sz]ed)",
    r"(?:you|user|resource) (?:is|are) not allowed",
    r"access (?:is |was )?denied",
    r"\bforbidden\b",
    r"insufficient (?:permissions?|privileges|rights)",
)
_TAKEN = _any(r"already (?:exists|associated|been added|assigned)", r"must be unique", r"duplicate")
_GONE = _any(r"no matching records found", r"could not be found", r"does not exist")


class ErrorBody(msgspec.Struct, frozen=True):
    """What an error's body says. `structured`: it is Autotask's own list of errors, not a page of a proxy."""

    texts: tuple[str, ...] = ()
    structured: bool = False
    page: bool = False  # it is HTML: something before Autotask answered

    def __str__(self) -> str:
        return "; ".join(self.texts)[:_SHOWN]


def read_error(body: bytes) -> ErrorBody:
    """Read an error's body, whatever it is."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ErrorBody(page=body.lstrip()[:1] == b"<")
    if not isinstance(value, dict):
        return ErrorBody()
    errors = value.get("errors", value.get("Errors"))
    if isinstance(errors, str):
        errors = [errors]
    if isinstance(errors, list):
        return ErrorBody(tuple(str(text) for text in errors[:20]), structured=True)
    message = value.get("Message", value.get("message"))
    return ErrorBody((str(message),)) if message is not None else ErrorBody()


def _said(pattern: re.Pattern[str], texts: Sequence[str]) -> bool:
    return any(pattern.search(text) for text in texts)


def speaks_of_threads(error: ErrorBody) -> bool:
    """Whether too many calls were in flight at one endpoint."""
    return _said(_THREADS, error.texts)


def speaks_of_threshold(error: ErrorBody) -> bool:
    """Whether the tenant's allowance is spent. A text that a validation quotes does not count."""
    if _said(_THRESHOLD, error.texts):
        return True
    return _said(_MAYBE_THRESHOLD, error.texts) and not _said(_REFUSED, error.texts)


def speaks_of_credential(error: ErrorBody) -> bool:
    """Whether the integration code or the account is refused, and not merely quoted by a validation."""
    return _said(_CREDENTIAL, error.texts) and not _said(_REFUSED, error.texts)


def speaks_of_code(error: ErrorBody) -> bool:
    """Whether the integration code is refused, rather than the user."""
    return _said(_CODE, error.texts)


def speaks_of_locked(error: ErrorBody) -> bool:
    """Whether the user is locked."""
    return _said(_LOCKED, error.texts)


def may_speak_of_credential(error: ErrorBody) -> bool:
    """Whether, in the first answer of all, the text makes a wrong credential likely."""
    return _said(_MAYBE_CREDENTIAL, error.texts) and not _said(_REFUSED, error.texts)


def is_clear_refusal(error: ErrorBody) -> bool:
    """Whether every doubt is out: validation or permission refused the call, and nothing was applied."""
    return error.structured and _said(_REFUSED, error.texts) and not is_unclear(error)


def is_unclear(error: ErrorBody) -> bool:
    """Whether Autotask itself does not know what went wrong, or how far it came."""
    return _said(_UNCLEAR, error.texts)


def speaks_of_values(text: str) -> bool:
    """Whether a refusal is of values that were sent, so that a call without them may pass."""
    return _VALUES.search(text) is not None


def parts_named(text: str, *, udfs: Iterable[str] = ()) -> frozenset[str]:
    """Return the parts of a ticket that a refusal names, in the words of the flows.

    Args:
        text: Autotask's own.
        udfs: Names of the user-defined fields that were sent.
    """
    found = {part for field, part in _PARTS.items() if re.search(rf"\b{field}\b", text, re.IGNORECASE)}
    if any(name.casefold() in text.casefold() for name in udfs):
        found.add("user-defined fields")
    return frozenset(found - {"company"} if found & _LINKS else found)


def speaks_of_permission(text: str) -> bool:
    """Whether a refusal says that this user may not."""
    return _PERMISSION.search(text) is not None


def speaks_of_gone(text: str) -> bool:
    """Whether a refusal says that the record is not there (or not ours to see)."""
    return _GONE.search(text) is not None


def speaks_of_taken(text: str) -> bool:
    """Whether a refusal says that such a record is there already."""
    return _TAKEN.search(text) is not None
