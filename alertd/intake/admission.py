"""Letting senders in: whose token it is, from which address, and who has guessed too often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web

from alertd.core.reading.signatures import Hmac, Svix, is_shown
from alertd.intake.access_log import Exchange
from alertd.intake.answers import Refused, unauthorized
from alertd.intake.auth import Admitted, FailureLimit, Keyring, SourceKeys, presented_tokens, wire_bytes
from alertd.intake.connections import SenderConnection
from alertd.intake.metrics import IntakeMetrics
from alertd.intake.peers import Proxies
from alertd.intake.senders import Sender, Surroundings

_BY_PROXY = "X-Forwarded-For"


class Admission:
    """The configured senders behind their tokens. `adopt` replaces them; the limit on failures stays."""

    def __init__(
        self, trusted_proxies: Iterable[str], *, surroundings: Surroundings, metrics: IntakeMetrics
    ) -> None:
        self._world = surroundings
        self._metrics = metrics
        self._proxies = Proxies(trusted_proxies)
        self._limit = FailureLimit()
        self._senders: Mapping[str, Sender] = {}
        self._keyring = Keyring(())

    def adopt(self, senders: Mapping[str, Sender]) -> None:
        """Let these in, and nobody else.

        Raises:
            ValueError: Two share a token, or one has none. Nothing has changed.
        """
        keyring = Keyring(
            SourceKeys(s.name, s.digests, token_in_url=s.token_in_url) for s in senders.values()
        )
        self._metrics.expect({name: sender.digests for name, sender in senders.items()})
        self._senders, self._keyring = senders, keyring

    @property
    def senders(self) -> Mapping[str, Sender]:
        """Those that are let in, by name."""
        return self._senders

    def admit(
        self,
        request: web.BaseRequest,
        source: str | None,
        *,
        url_token: str | None,
        exchange: Exchange,
        presented: Sequence[bytes] | None = None,
    ) -> Sender:
        """Return the sender, and note it in `exchange`.

        Args:
            request: Its headers hold the token.
            source: Named by the path; None: the token alone says who it is.
            url_token: `?token=`, which counts only for a source that is allowed to send it so.
            exchange: Learns the address, and the source as soon as it is known.
            presented: The tokens, where a dialect has them elsewhere than in the usual headers.

        Raises:
            Refused: 401, the same for an unknown source, for a wrong token, and for a right one of a source
                that has to sign.
        """
        exchange.peer = peer = self.peer_of(request)
        if presented is None:
            presented = presented_tokens(request.headers)
        admitted = self._identify(presented, source, url_token)
        if source in self._senders:
            exchange.source = source or ""
        now = self._world.monotonic()
        if self._limit.is_blocked(peer, now):
            self._pass_limit(peer, admitted, exchange)
        if admitted is None or self._wants_signature(admitted.source):
            raise self.failed(exchange)
        return self.welcome(request, admitted, exchange)

    def is_anybodys(self, presented: Sequence[bytes]) -> bool:
        """Whether one of these is a token of a configured source; nothing is counted or refused."""
        return self._keyring.owner(presented) is not None

    def knows(self, source: str) -> bool:
        """Whether a source of this name is configured."""
        return source in self._senders

    def rotating(self) -> list[str]:
        """Return the sources that have two tokens, while one replaces the other."""
        return [name for name, sender in self._senders.items() if len(sender.digests) > 1]

    def signer(self, source: str, headers: Mapping[str, str]) -> Sender | None:
        """Return the configured sender, if what a request delivers decides whether it is let in."""
        sender = self._senders.get(source)
        if sender is None or sender.signing is None:
            return None
        scheme = sender.signing.scheme
        is_concerned = not isinstance(scheme, Hmac | Svix) or is_shown(scheme, headers)
        return sender if is_concerned else None

    def by_token(self, request: web.BaseRequest, source: str, url_token: str | None) -> Admitted | None:
        """Return which of the source's tokens is shown, if one is; nothing is counted or refused."""
        return self._identify(presented_tokens(request.headers), source, url_token)

    def let_try(self, request: web.BaseRequest, door: str, exchange: Exchange) -> None:
        """Let a sender show a signature at `door`, and note its address in `exchange`.

        Raises:
            Refused: 401, while its address is turned away and has never passed there.
        """
        exchange.peer = peer = self.peer_of(request)
        if self._limit.is_blocked(peer, self._world.monotonic()) and not self._limit.is_proven(peer, door):
            exchange.is_turned_away = True
            raise unauthorized()

    def passed(self, request: web.BaseRequest, door: str, exchange: Exchange) -> None:
        """Note that the address has shown a good token or signature at `door`."""
        connection = request.protocol
        if not isinstance(connection, SenderConnection) or connection.proves(exchange.peer, door):
            self._limit.passed(exchange.peer, door)

    def failed(self, exchange: Exchange) -> Refused:
        """Count a failure against the address, and return the refusal."""
        self._limit.failed(exchange.peer, self._world.monotonic())
        return unauthorized()

    def welcome(self, request: web.BaseRequest, admitted: Admitted, exchange: Exchange) -> Sender:
        """Note who it is in `exchange`, and that it has been let in from its address."""
        exchange.source = admitted.source
        exchange.slot = admitted.slot
        exchange.is_let_in = True
        self.passed(request, admitted.source, exchange)
        return self._senders[admitted.source]

    def peer_of(self, request: web.BaseRequest) -> str:
        """Return the sender's address as far as it can be believed; empty for an unnamed Unix peer."""
        connection = request.protocol
        peer = connection.address if isinstance(connection, SenderConnection) else request.remote or ""
        if not self._proxies.any:
            return peer
        return self._proxies.sender(peer, request.headers.getall(_BY_PROXY, ()))

    def _identify(
        self, presented: Sequence[bytes], source: str | None, url_token: str | None
    ) -> Admitted | None:
        if source is None:
            return self._keyring.owner(presented)
        return self._keyring.admit(source, presented, None if url_token is None else wire_bytes(url_token))

    def _pass_limit(self, peer: str, admitted: Admitted | None, exchange: Exchange) -> None:
        if admitted is None or not self._limit.is_proven(peer, admitted.source):
            exchange.is_turned_away = True
            raise unauthorized()

    def _wants_signature(self, source: str) -> bool:
        signing = self._senders[source].signing
        return signing is not None and signing.needs_signature
