"""The small parts: settings, receipts, peers, targets, room, metrics, the access log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from alertd.intake.answers import Refused
from alertd.intake.metrics import IntakeMetrics, Outcome
from alertd.intake.peers import Proxies
from alertd.intake.receipts import Receipts
from alertd.intake.requests import is_delivery, origin_form, read_query
from alertd.intake.room import Room
from alertd.intake.settings import ServerSettings, TcpAddress, UnixPath, parse_listen

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


class TestSettings:
    def test_defaults(self) -> None:
        settings = ServerSettings()

        assert (settings.listen, settings.max_body) == ("127.0.0.1:8080", 262_144)
        assert settings.body_timeout == timedelta(seconds=10)

    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("127.0.0.1:8080", TcpAddress("127.0.0.1", 8080)),
            ("[::1]:80", TcpAddress("::1", 80)),
            ("unix:/run/alertd/intake.sock", UnixPath("/run/alertd/intake.sock")),
        ],
    )
    def test_listen(self, text: str, address: object) -> None:
        assert parse_listen(text) == address

    @pytest.mark.parametrize(
        "table",
        [
            {"listen": "8080"},
            {"listen": "host:"},
            {"listen": "host:99999"},
            {"listen": ":80"},
            {"listen": "unix:relative"},
            {"max_body": "2MiB"},
            {"max_body": "1KB"},
            {"body_timeout": "0s"},
            {"public_url": "alerts.example.com"},
            {"public_url": "https://a.example/?x=1"},
            {"trusted_proxies": ["nonsense"]},
            {"trusted_proxies": ["10.0.0.1/8"]},
            {"max_connections": 0},
            {"access_log": "yes"},
        ],
        ids=str,
    )
    def test_refused(self, table: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            ServerSettings.model_validate(table)


class TestReceipts:
    def receipts(self) -> Receipts:
        return Receipts(lambda count: hashlib.shake_256(b"seed").digest(count))

    def test_they_are_26_characters_and_unique(self) -> None:
        receipts = self.receipts()
        made = {receipts.new(AT) for _ in range(256)}

        assert len(made) == 256
        assert {len(receipt) for receipt in made} == {26}
        assert all(set(receipt) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for receipt in made)

    def test_they_sort_by_time(self) -> None:
        receipts = self.receipts()
        steps = [0, 1, 31, 32, 33, 1023, 1024, 1025, 40_000, 10**9, 10**12]
        made = [receipts.new(AT + timedelta(milliseconds=ms)) for ms in steps]

        assert made == sorted(made)
        assert len({receipt[:10] for receipt in made}) == len(steps)

    def test_the_time_is_as_in_a_ulid(self) -> None:
        # the example of the ULID specification: 1469918176385 ms
        at = datetime.fromtimestamp(1469918176.385, UTC)

        assert self.receipts().new(at)[:10] == "01ARYZ6S41"

    def test_new_randomness_is_drawn_when_the_old_is_used_up(self) -> None:
        draws = []
        receipts = Receipts(lambda count: draws.append(count) or bytes([len(draws)]) * count)  # type: ignore[func-returns-value]
        for _ in range(257):
            receipts.new(AT)

        assert draws == [4096, 4096]


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "expected"),
    [
        pytest.param([], "192.0.2.1", ["203.0.113.1"], "192.0.2.1", id="nobody is trusted"),
        pytest.param(["10.0.0.0/8"], "192.0.2.1", ["203.0.113.1"], "192.0.2.1", id="the peer is not a proxy"),
        pytest.param(["10.0.0.0/8"], "10.0.0.1", ["203.0.113.1"], "203.0.113.1", id="one proxy"),
        pytest.param(["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1, 203.0.113.1, 10.2.2.2"], "203.0.113.1", id="two"),
        pytest.param(["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1", "203.0.113.1"], "203.0.113.1", id="two headers"),
        pytest.param(["10.0.0.0/8"], "10.0.0.1", [], "10.0.0.1", id="the proxy says nothing"),
        pytest.param(["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1, junk"], "10.0.0.1", id="it says nonsense"),
        pytest.param(["10.0.0.0/8"], "10.0.0.1", ["fe80::1%\udcff"], "10.0.0.1", id="bytes that are no text"),
        pytest.param(["10.0.0.0/8"], "10.0.0.1", ["10.0.0.9"], "10.0.0.9", id="none but proxies"),
        pytest.param(["unix"], "", ["203.0.113.1"], "203.0.113.1", id="over a Unix socket"),
        pytest.param(["10.0.0.1"], "", ["203.0.113.1"], "", id="over a Unix socket that is not trusted"),
        pytest.param(["::1"], "::1", ["2001:db8::1"], "2001:db8::1", id="IPv6"),
    ],
)
def test_the_senders_address(trusted: list[str], peer: str, forwarded: Sequence[str], expected: str) -> None:
    assert Proxies(trusted).sender(peer, forwarded) == expected


class TestRequests:
    def test_the_query_loses_its_token(self) -> None:
        query = read_query("client=A%20B&token=s%C3%A9cret&token=two&client=C&empty=")

        assert query == {"client": "A B", "empty": ""}
        assert query.token == "sécret"

    def test_bytes_that_are_no_text_can_be_stored(self) -> None:
        assert read_query("name=%ff%00&%fe=1") == {"name": "\ufffd\ufffd", "\ufffd": "1"}

    @pytest.mark.parametrize(
        ("text", "expected"), [("", False), ("client=a", False), ("token=a", False), ("client=a&x=1", True)]
    )
    def test_what_makes_a_query_a_delivery(self, text: str, expected: bool) -> None:
        assert is_delivery(read_query(text)) == expected

    @pytest.mark.parametrize(
        ("target", "expected"),
        [
            ("/a?b", "/a?b"),
            ("http://own/a?b", "/a?b"),
            ("HTTPS://OWN", "/"),
            ("http://own/?x=http://b", "/?x=http://b"),
        ],
    )
    def test_origin_form(self, target: str, expected: str) -> None:
        assert origin_form(target, {"own"}) == expected

    @pytest.mark.parametrize(
        ("target", "status"),
        [
            ("http://other/a", 421),
            ("http://own@other/", 421),
            ("http://[::1", 400),
            ("*", 404),
            ("ftp://own/", 404),
        ],
    )
    def test_targets_that_are_not_ours(self, target: str, status: int) -> None:
        with pytest.raises(Refused) as refused:
            origin_form(target, {"own"})

        assert refused.value.status == status


class TestRoom:
    def test_bytes_are_bounded(self) -> None:
        room = Room(lambda: 0.0, most_bytes=10)
        room.take(6)
        with pytest.raises(Refused):
            room.take(5)
        room.give_back(6)
        room.take(10)

    def test_a_part_of_a_room_leaves_the_rest_to_others(self) -> None:
        whole = Room(lambda: 0.0, most_bytes=10)
        part = Room(lambda: 0.0, most_bytes=5, behind=whole)
        part.take(5)
        with pytest.raises(Refused):
            part.take(1)
        whole.take(5)
        part.give_back(5)
        whole.take(5)
        with pytest.raises(Refused):
            part.take(1)

    def test_a_commit_that_is_awaited_for_long_closes_the_door(self) -> None:
        now = 0.0
        room = Room(lambda: now, longest_wait_s=5.0)
        first, second = room.commit_begins(), room.commit_begins()
        now = 5.5
        with pytest.raises(Refused):
            room.take(1)
        room.commit_ends(first)
        with pytest.raises(Refused):
            room.take(1)
        room.commit_ends(second)
        room.take(1)


class TestMetrics:
    def test_every_series_exists_from_the_start(self) -> None:
        registry = CollectorRegistry()
        IntakeMetrics(registry).expect({"a": ()})

        for source in ("a", "(unknown)"):
            for outcome in Outcome:
                labels = {"source": source, "outcome": outcome.value}
                assert registry.get_sample_value("alertd_intake_requests_total", labels) == 0
        assert registry.get_sample_value("alertd_alerts_received_total", {"source": "a"}) == 0
        assert registry.get_sample_value("alertd_source_last_seen_timestamp_seconds", {"source": "a"}) == 0

    def test_an_old_token_can_be_retired_knowingly(self) -> None:
        registry = CollectorRegistry()
        IntakeMetrics(registry).of("a").admitted(AT, 1)

        def used(token: str) -> float | None:
            labels = {"source": "a", "token": token}
            return registry.get_sample_value("alertd_source_token_last_used_timestamp_seconds", labels)

        assert (used("current"), used("other")) == (0, AT.timestamp())
        seen = registry.get_sample_value("alertd_source_last_seen_timestamp_seconds", {"source": "a"})
        assert seen == AT.timestamp()


@pytest.mark.parametrize(
    ("wanted", "accepted", "refused"), [("refusals", 0, 1), ("all", 1, 1), ("off", 0, 0)]
)
async def test_access_log(
    serve: Any, bearer: Any, client: Any, wanted: str, accepted: int, refused: int
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serve(access_log=wanted) as world:
            await client.post(world.url("/v1/alerts/prometheus"), data=b"{}", headers=bearer)
            await client.post(world.url("/v1/alerts/prometheus"), data=b"{}")

    lines = [line for line in logs if line["event"] == "intake.answered"]
    assert [line["status"] for line in lines] == [202] * accepted + [401] * refused
    for line in lines:
        assert (line["route"], line["source"]) == ("/v1/alerts/{source}", "prometheus")
        assert line["peer"] == "127.0.0.1"
