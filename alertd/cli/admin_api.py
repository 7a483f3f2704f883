"""The running daemon's admin API, as a client on the same machine."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from alertd.core.secret import Secret
from alertd.ops.settings import TcpAddress, parse_listen

_TIMEOUT_S = 30
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to connect, not to bind


class NotRunning(Exception):
    """Nobody listens there."""


class NoAdminToken(Exception):
    """The configuration has none, and without one the daemon tells nothing but its health."""

    def __init__(self) -> None:
        super().__init__(
            'this needs an admin token: write token = { file = "/etc/alertd/admin-token" } under [admin], '
            "run alertd token new --admin, and restart alertd"
        )


class Refused(Exception):
    """The daemon answered, and not with what was asked for. `status` is of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NoAnswer(Refused):
    """Somebody listens there and says nothing in time."""

    def __init__(self, listen: str) -> None:
        super().__init__(
            504,
            f"alertd listens at {listen} but did not answer within {_TIMEOUT_S} s; "
            "try again, and if it stays silent, look into its log",
        )


class Answer(msgspec.Struct, frozen=True):
    """What the daemon answered."""

    status: int
    body: bytes


class AdminApi:
    """Asks the daemon. Every question is one connection."""

    def __init__(self, listen: str, token: Secret | None = None) -> None:
        self._address = parse_listen(listen)
        self._listen = listen
        self._token = token

    def get(self, *path: str, **query: Any) -> Any:
        """Return what `/api/v1/<path>` answers.

        Raises:
            NotRunning: Nobody listens.
            Refused: The answer is no.
        """
        asked = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
        return self._json("GET", _url(path) + (f"?{asked}" if asked else ""))

    def post(self, *path: str, body: Any = None) -> Any:
        """Ask for a change at `/api/v1/<path>` and return the answer. `body` is sent as JSON, unless None.

        Raises:
            NotRunning: Nobody listens.
            Refused: The answer is no.
        """
        return self._json("POST", _url(path), b"" if body is None else msgspec.json.encode(body))

    def ask(self, method: str, target: str, body: bytes = b"") -> Answer:
        """Send one request; a body is JSON.

        Raises:
            NotRunning: Nobody listens.
            NoAnswer: Somebody does, and says nothing in time.
        """
        connection = _connection(self._address)
        try:
            connection.request(method, target, body=body, headers=self._headers(body))
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except TimeoutError:
            raise NoAnswer(self._listen) from None
        except (OSError, http.client.HTTPException) as exc:
            why = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
            raise NotRunning(
                f"no alertd answers at {self._listen} ({why}); start it, then try again"
            ) from exc
        finally:
            connection.close()

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Length": str(len(body))}
        if body:
            headers["Content-Type"] = "application/json"
        return headers | ({"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {})

    def _json(self, method: str, target: str, body: bytes = b"") -> Any:
        answer = self.ask(method, target, body)
        try:
            told = json.loads(answer.body or b"null")
        except ValueError:
            raise Refused(
                answer.status, f"what listens at {self._listen} is not alertd's admin API"
            ) from None
        if answer.status >= 300:
            raise Refused(answer.status, _reason(answer.status, told))
        return told


def _url(path: tuple[str, ...]) -> str:
    return "/api/v1/" + "/".join(quote(part, safe="") for part in path)


def _reason(status: int, body: Any) -> str:
    said = body.get("error") if isinstance(body, dict) else None
    if status == 401:
        return "the daemon does not take this admin token; restart alertd if the token is new"
    return str(said or f"the daemon answers {status}")


def _connection(address: TcpAddress) -> http.client.HTTPConnection:
    host = _ANYWHERE.get(address.host, address.host)
    return http.client.HTTPConnection(host, address.port, timeout=_TIMEOUT_S)
