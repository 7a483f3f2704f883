"""Failures of the ports, named for what to do next: again, later, never, or look first.

PortError
├── Unavailable        nothing was applied; again later
│   ├── Throttled      … not before `retry_after`
│   └── AuthRefused    … not before the credential has changed
├── Rejected           never as it stands
│   └── Invalid        … for its values: with others, or fewer, it may pass
├── OutcomeUnknown     look before repeating it
└── Conflict           the row has changed: read it again and decide again
StoreFailed            the disk refuses: stop
CannotListen           an address is not to be had: stop
"""

from __future__ import annotations


class PortError(Exception):
    """A port could not do what was asked. `reason` is a metric label from a closed set."""

    reason = "unavailable"


class Unavailable(PortError):
    """Nothing was applied; the same call may be made again later."""


class Throttled(Unavailable):
    """The budget or Autotask's limits are spent. `retry_after` is in seconds."""

    reason = "throttled"

    def __init__(self, retry_after: float, why: str = "throttled") -> None:
        super().__init__(f"{why}; again in {retry_after:g} s")
        self.retry_after = retry_after


class AuthRefused(Unavailable):
    """Autotask refused the credential. Nobody calls until it changes: retrying locks the account."""

    reason = "auth"


class Rejected(PortError):
    """The call is wrong as it stands; sending it again cannot help. The text is Autotask's."""

    reason = "rejected"


class Invalid(Rejected):
    """Values of the call are refused. `about` names the parts of the ticket that the text speaks of."""

    def __init__(self, why: str, about: frozenset[str] = frozenset()) -> None:
        super().__init__(why)
        self.about = about


class OutcomeUnknown(PortError):
    """The call may have been applied: look before repeating it."""

    reason = "unknown"


class Conflict(PortError):
    """Somebody else wrote the row first."""

    reason = "conflict"


class StoreFailed(Exception):
    """The store cannot be written. Nothing is acknowledged any more; `full` tells a full disk apart."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class CannotListen(Exception):
    """An address cannot be listened on. `key` says where it is configured, such as `[server] listen`."""

    def __init__(self, key: str, address: str, cause: OSError) -> None:
        # `socket.create_server` repeats the address in brackets, and not every fault has a number
        why = (cause.strerror or str(cause)).partition(" (while")[0]
        what_next = "name another address there, or mend what is in its way"
        super().__init__(f'cannot listen on {key} = "{address}": {why}; {what_next}')
