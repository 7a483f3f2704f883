"""What faults make of a request on its way in and of a reply on its way out."""

from __future__ import annotations

from alertd.simulator.faults import Fault, Faults, Target
from alertd.simulator.switches import Switches
from alertd.simulator.wire import SimReply, Transport, errors, html, message, text

_UNEXPECTED = (
    "An unexpected error has occurred. If the problem persists, please contact Autotask Support "
    "and reference Error ID: 4711"
)
_THREADS = (
    "Thread Threshold Exceeded – The Autotask API thread threshold of {limit} threads has been exceeded. "
    "Method: {method}"
)
_TITLES = {
    404: "404 - File or directory not found.",
    502: "502 Bad Gateway",
    503: "Service Unavailable",
    504: "504 Gateway Time-out",
}
_GARBAGE = '{"itemId": <!-- 12 --> \x00'


def too_many_threads(switches: Switches, target: Target) -> SimReply:
    """Return the refusal of a fourth concurrent request."""
    reply = errors(
        _THREADS.format(limit=switches.thread_limit, method=f"{target.method} {target.endpoint}"),
        status=switches.thread_status,
    )
    return _retry_after(reply, switches.thread_retry_after or None)


def over_threshold(switches: Switches) -> SimReply:
    """Return the refusal of a request above the hourly threshold."""
    words = switches.threshold_text.format(threshold=switches.threshold, minutes=60)
    return _retry_after(
        errors(words, status=switches.threshold_status), switches.threshold_retry_after or None
    )


def refusal(fault: Fault, switches: Switches, target: Target) -> SimReply:
    """Return the answer of a `refuse` fault; without a body it is the usual one of that status."""
    status = fault.status or 503
    if fault.body is not None:
        reply = text(status, fault.body, fault.content_type or "text/plain")
    elif status in _TITLES:
        reply = html(status, _TITLES[status])
    elif status == 401:
        reply = text(401, switches.unauthorized_body)
    elif status == 405:
        reply = message(405, f"The requested resource does not support http method '{target.method}'.")
    elif status == 429:
        reply = over_threshold(switches)
        reply.status = 429
    else:
        reply = errors(_UNEXPECTED, status=status)
    reply.headers |= fault.headers
    return _retry_after(reply, fault.retry_after)


def spoil(faults: Faults, reply: SimReply, target: Target, now: float) -> str:
    """Change a reply to a request that was carried out, and return the kind of fault that did."""
    if faults.strike("drop", target, now, when="after"):
        reply.transport = Transport.DROP
        return "drop"
    if faults.strike("hang", target, now, when="after"):
        reply.transport = Transport.HANG
        return "hang"
    if fault := faults.strike("truncate", target, now):
        _truncate(reply, fault)
    elif fault := faults.strike("garbage", target, now):
        _garble(reply, fault)
    elif fault := faults.strike("slow_body", target, now):
        reply.slow_s = fault.seconds
    return fault.kind if fault else ""


def _truncate(reply: SimReply, fault: Fault) -> None:
    kept = int(len(reply.body) * fault.keep)
    if fault.abort:
        reply.headers["Content-Length"] = str(len(reply.body))
        reply.transport = Transport.CUT
    reply.body = reply.body[:kept]


def _garble(reply: SimReply, fault: Fault) -> None:
    reply.status = fault.status or 200
    reply.body = (_GARBAGE if fault.body is None else fault.body).encode()
    reply.content_type = fault.content_type or reply.content_type


def _retry_after(reply: SimReply, seconds: int | None) -> SimReply:
    if seconds is not None:
        reply.headers["Retry-After"] = str(seconds)
    return reply
