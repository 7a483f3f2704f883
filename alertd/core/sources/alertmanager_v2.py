"""Alerts as Prometheus posts them to `POST /api/v2/alerts`, and the answers Alertmanager would give.

Strict where Alertmanager is: what it refuses as a whole is refused here. One invalid alert among good ones
does not keep the good ones out, but the answer is 400 all the same. Times follow it too, with one
difference: an end in the future that passes unrepeated means *expired* here, not cleared.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from alertd.core.alerts import Alert, Status
from alertd.core.reading.bodies import Body, Problem, Unreadable, clean, host_of
from alertd.core.reading.instants import utc
from alertd.core.sources.alertmanager import AlertmanagerProfile, Context, SentAlert, alert_of

RESOLVE_TIMEOUT = timedelta(minutes=5)  # Alertmanager's `resolve_timeout` for alerts without an end

_MISSING = 602  # go-openapi's code for "required"
_WRONG_FORMAT = 601
_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*:"
_IN_HOST = r"[^/?#\s<>\"\[\]@"
_HOST = rf"(?:\[[^/?#\s\[\]]+\](?::[0-9]*)?|{_IN_HOST}]*:[0-9]*|{_IN_HOST}:]*)"
_AUTHORITY = rf"//(?:[^/?#\s<>\"\[\]]*@)?{_HOST}(?:(?=[/?#])|$)"  # its last @ ends the user's name
_URI = re.compile(rf"(?:{_SCHEME}(?:{_AUTHORITY}|(?!//))|/)[^\x00-\x1f\x7f]*")
_BAD_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_EMPTY_TIME = re.compile(r'("(?:startsAt|endsAt)"\s*:\s*)""')
_ESCAPE = re.compile(rf"{_PAIR}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{{2}})|\\.")


class PostedAlert(msgspec.Struct, kw_only=True):
    """One alert as posted. A value of the wrong type makes the whole request invalid, as it does there."""

    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    startsAt: datetime | None = None  # noqa: N815 - the sender's name
    endsAt: datetime | None = None  # noqa: N815 - the sender's name
    generatorURL: str | None = None  # noqa: N815 - the sender's name


class V2Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a post said, and how it is answered: HTTP status and JSON body, empty for 200."""

    alerts: tuple[Alert, ...] = ()
    problems: tuple[Problem, ...] = ()
    status: int = 200
    answer: bytes = b""


_DECODE = msgspec.json.Decoder(list[PostedAlert | None] | None).decode


def read(body: Body, profile: AlertmanagerProfile, *, received_at: datetime) -> V2Reading:
    """Read a post of alerts. Nothing is raised: what is refused is in the answer.

    Args:
        body: The request.
        profile: Of the source that the token belongs to.
        received_at: Now, for alerts that do not say when they start or end.
    """
    if not body.raw.strip():
        return _refused(422, _MISSING, "alerts in body is required")
    try:
        # Like Go's decoder: bytes that are not UTF-8 and lone surrogates are replaced, not refused.
        posted = _decode(body.raw.decode(errors="replace"))
    except (msgspec.DecodeError, RecursionError) as exc:
        return _refused(400, 400, f'parsing alerts body from "" failed, because {exc}')
    for index, alert in enumerate(posted):
        if alert is None or alert.labels is None:
            return _refused(422, _MISSING, f"{index}.labels in body is required")
        if not _is_uri(alert.generatorURL):
            message = f'{index}.generatorURL in body must be of type uri: "{clean(alert.generatorURL or "")}"'
            return _refused(422, _WRONG_FORMAT, message)
    alerts = [alert for alert in posted if alert is not None]
    return _read_all(alerts, Context(profile, body.client, body.peer), received_at)


def _decode(text: str) -> list[PostedAlert | None]:
    try:
        return _DECODE(text) or []
    except msgspec.DecodeError:
        mended = _ESCAPE.sub(lambda found: "\\ufffd" if found["lone"] else found[0], text)
        mended = _EMPTY_TIME.sub(r"\1null", mended)
        if mended == text:
            raise
        return _DECODE(mended) or []


def _refused(status: int, code: int, message: str) -> V2Reading:
    return V2Reading(status=status, answer=msgspec.json.encode({"code": code, "message": message}))


def _is_uri(text: str | None) -> bool:
    return not text or (_URI.fullmatch(text) is not None and not _BAD_PERCENT.search(text))


def _read_all(posted: list[PostedAlert], context: Context, received_at: datetime) -> V2Reading:
    alerts: list[Alert] = []
    problems: list[Problem] = []
    for index, each in enumerate(posted):
        try:
            alerts.append(_read_one(each, context, received_at))
        except Unreadable as exc:
            problems.append(Problem(index, exc.reason, exc.detail))
    if not problems:
        return V2Reading(alerts=tuple(alerts))
    messages = "; ".join(problem.detail for problem in problems)
    return V2Reading(
        alerts=tuple(alerts), problems=tuple(problems), status=400, answer=msgspec.json.encode(messages)
    )


def _read_one(posted: PostedAlert, context: Context, received_at: datetime) -> Alert:
    sent = _sent(posted)
    ends_at = sent.endsAt
    if sent.startsAt is None:
        # Alertmanager takes the end for the start; of one to come no later clear could be told apart
        sent.startsAt = min(ends_at or received_at, received_at)
    if ends_at is not None and ends_at < sent.startsAt:
        raise Unreadable("shape", "start time must be before end time")
    if not any(sent.labels.values()):
        raise Unreadable("shape", "at least one label pair required")
    if sent.labels.get(""):
        raise Unreadable("shape", 'invalid label set: invalid name ""')
    if ends_at is not None and ends_at <= received_at:
        status, expires_after = Status.CLEARED, None
    else:
        status = Status.FIRING
        expires_after = RESOLVE_TIMEOUT if ends_at is None else ends_at - received_at
    reporter = host_of(sent.generatorURL) or context.peer
    alert = alert_of(sent, context, status, {})
    # Prometheus never sends a post again: what comes later was said later, whatever start it names
    return msgspec.structs.replace(
        alert, expires_after=expires_after, late_for=timedelta(0), reporter=reporter
    )


def _sent(posted: PostedAlert) -> SentAlert:
    return SentAlert(
        labels=_cleaned(posted.labels or {}),
        annotations=_cleaned(posted.annotations or {}),
        startsAt=utc(posted.startsAt),
        endsAt=utc(posted.endsAt),
        generatorURL=posted.generatorURL or "",
    )


def _cleaned(texts: dict[str, str | None]) -> dict[str, str]:
    return {clean(name): clean(text) if text else "" for name, text in texts.items()}
