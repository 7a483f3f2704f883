"""Signatures over the bytes as they came: what is let in, and for which reason nothing else is."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alertd.core.reading.signatures import (
    BadSignature,
    Hmac,
    SecretInBody,
    Signing,
    Sns,
    Svix,
    Verified,
    is_shown,
    verify,
)
from alertd.core.reading.signing import SignatureHeaderKeys, SigningSettings
from alertd.core.secret import Secret
from alertd.core.sources.mapped_settings import MappedSettings

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
OLD, NEW = "the-old-secret", "the-new-secret"
BODY = b'{"alerts":[{"status":"firing"}]}'
GRAFANA = Hmac(header="x-grafana-alerting-signature", bodies_differ=True)
TIMED = Hmac(header="x-signature", timestamp_header="x-time")
RAW_KEY = b"twenty-four bytes of key"
WHSEC = "whsec_" + base64.b64encode(RAW_KEY).decode()


def mac(text: bytes, key: bytes | str = NEW, algorithm: str = "sha256") -> bytes:
    return hmac.digest(key.encode() if isinstance(key, str) else key, text, algorithm)


def checked(
    scheme: Any, headers: dict[str, str], body: bytes = BODY, *, secrets: tuple[str, ...] = (NEW, OLD)
) -> Verified:
    return verify(Signing(scheme=scheme), headers, body, secrets=[Secret(each) for each in secrets], now=NOW)


def failing(scheme: Any, headers: dict[str, str], body: bytes = BODY, **more: Any) -> str:
    with pytest.raises(BadSignature) as found:
        checked(scheme, headers, body, **more)
    for secret in (NEW, OLD, WHSEC, "firing"):
        assert secret not in str(found.value)
    return found.value.failing


@pytest.mark.parametrize(
    ("scheme", "headers"),
    [
        pytest.param(GRAFANA, {GRAFANA.header: mac(BODY).hex()}, id="Grafana"),
        pytest.param(GRAFANA, {GRAFANA.header: mac(BODY).hex().upper()}, id="hex has no case"),
        pytest.param(
            TIMED,
            {"x-signature": mac(f"{STAMP}:".encode() + BODY).hex(), "x-time": STAMP},
            id="time",
        ),
        pytest.param(
            Hmac(header="x-hub-signature-256", prefix="sha256="),
            {"x-hub-signature-256": "sha256=" + mac(BODY).hex()},
            id="GitHub",
        ),
        pytest.param(
            Hmac(header="h", algorithm="sha1", encoding="base64"),
            {"h": base64.b64encode(mac(BODY, algorithm="sha1")).decode()},
            id="SHA-1 in base64",
        ),
        pytest.param(
            Hmac(header="h", algorithm="sha512", encoding="base64"),
            {"h": base64.b64encode(mac(BODY, algorithm="sha512")).decode().rstrip("=")},
            id="base64 without its end",
        ),
        pytest.param(
            Hmac(header="h", prefix="v0=", timestamp_header="t", text="v0:{timestamp}:{body}"),
            {"h": "v0=" + mac(f"v0:{STAMP}:".encode() + BODY).hex(), "t": STAMP},
            id="a text of its own",
        ),
        pytest.param(
            Hmac(header="h", text="{body}secret-end"), {"h": mac(BODY + b"secret-end").hex()}, id="body first"
        ),
        pytest.param(
            Hmac(header="h"), {"h": f"{'0' * 64}, {mac(BODY).hex()}"}, id="one of several signatures"
        ),
        pytest.param(
            Hmac(header="h", timestamp_header="t"),
            {"h": mac(f"{STAMP}000:".encode() + BODY).hex(), "t": f"{STAMP}000"},
            id="milliseconds",
        ),
    ],
)
def test_good_ones(scheme: Hmac, headers: dict[str, str]) -> None:
    assert checked(scheme, headers).slot == 0


@pytest.mark.parametrize(
    ("scheme", "headers", "why"),
    [
        pytest.param(GRAFANA, {}, "missing", id="none"),
        pytest.param(GRAFANA, {GRAFANA.header: ""}, "wrong", id="empty"),
        pytest.param(GRAFANA, {GRAFANA.header: "zz"}, "wrong", id="no hex"),
        pytest.param(GRAFANA, {GRAFANA.header: "\udcff\u00e9"}, "wrong", id="not ASCII"),
        pytest.param(GRAFANA, {GRAFANA.header: mac(BODY).hex()[:-2]}, "wrong", id="cut"),
        pytest.param(GRAFANA, {GRAFANA.header: mac(BODY, "another").hex()}, "wrong", id="another's key"),
        pytest.param(GRAFANA, {GRAFANA.header: mac(BODY + b" ").hex()}, "wrong", id="another body"),
        pytest.param(GRAFANA, {GRAFANA.header: mac(BODY, "").hex()}, "wrong", id="an empty key"),
        pytest.param(GRAFANA, {GRAFANA.header: NEW}, "wrong", id="the secret itself"),
        pytest.param(
            GRAFANA, {GRAFANA.header: ",".join(["00"] * 16 + [mac(BODY).hex()])}, "wrong", id="too many"
        ),
        pytest.param(TIMED, {"x-signature": mac(BODY).hex()}, "missing", id="no time stamp"),
        pytest.param(
            TIMED, {"x-signature": mac(BODY).hex(), "x-time": STAMP}, "wrong", id="the time is not signed"
        ),
        pytest.param(
            TIMED, {"x-signature": mac(b"soon:" + BODY).hex(), "x-time": "soon"}, "time", id="no time at all"
        ),
        pytest.param(
            Hmac(header="h", prefix="sha256="), {"h": mac(BODY).hex()}, "wrong", id="without its prefix"
        ),
    ],
)
def test_bad_ones(scheme: Hmac, headers: dict[str, str], why: str) -> None:
    assert failing(scheme, headers) == why


@pytest.mark.parametrize(
    ("off_s", "is_good"),
    [(0, True), (300, True), (301, False), (-300, True), (-301, False), (-(10**9), False)],
)
def test_the_window_has_two_sides(off_s: int, is_good: bool) -> None:
    stamp = str(int((NOW - timedelta(seconds=off_s)).timestamp()))
    headers = {"x-signature": mac(f"{stamp}:".encode() + BODY).hex(), "x-time": stamp}
    if is_good:
        assert checked(TIMED, headers).is_lasting
    else:
        assert failing(TIMED, headers) == "time"


def test_a_wrong_signature_is_not_told_that_its_time_is_wrong_too() -> None:
    assert failing(TIMED, {"x-signature": "00", "x-time": "1"}) == "wrong"


def test_the_slot_tells_which_secret_signed() -> None:
    assert checked(GRAFANA, {GRAFANA.header: mac(BODY, OLD).hex()}).slot == 1


def test_a_delivery_is_known_by_what_is_signed() -> None:
    def delivery(scheme: Hmac, stamp: str) -> Verified:
        signed = BODY if not scheme.timestamp_header else f"{stamp}:".encode() + BODY
        return checked(scheme, {scheme.header: mac(signed).hex(), "x-time": stamp})

    later = str(int(STAMP) + 1)
    assert delivery(TIMED, STAMP) == delivery(TIMED, STAMP)
    assert delivery(TIMED, STAMP).delivery_id != delivery(TIMED, later).delivery_id
    assert not delivery(GRAFANA, STAMP).is_lasting
    assert delivery(Hmac(header="h"), STAMP).delivery_id is None  # an equal body is a repeat


# --- Svix -----------------------------------------------------------------------------------------------


def svix(
    body: bytes = BODY, *, key: bytes = RAW_KEY, stamp: str = STAMP, family: str = "svix", id_: str = "msg_1"
) -> dict[str, str]:
    signature = base64.b64encode(mac(f"{id_}.{stamp}.".encode() + body, key)).decode()
    return {
        f"{family}-id": id_,
        f"{family}-timestamp": stamp,
        f"{family}-signature": f"v1,{signature}",
    }


def test_the_vector_of_the_standard() -> None:
    """Source: the specification of Standard Webhooks and Svix's libraries."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    signed = verify(
        Signing(scheme=Svix()),
        headers,
        b'{"test": 2432232314}',
        secrets=[Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        now=datetime.fromtimestamp(1614265330, UTC),
    )
    assert signed == Verified(slot=0, delivery_id="msg_p5jXN8AQM9LWM0D4loKWxJek")


@pytest.mark.parametrize("family", ["svix", "webhook"])
def test_svix_and_standard_webhooks(family: str) -> None:
    assert checked(Svix(), svix(family=family), secrets=(WHSEC,)).delivery_id == "msg_1"


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        pytest.param(WHSEC.rstrip("="), RAW_KEY, id="without the end of base64"),
        pytest.param(WHSEC.removeprefix("whsec_"), RAW_KEY, id="without its prefix"),
        pytest.param("no base64 at all!", b"no base64 at all!", id="a text as the key"),
    ],
)
def test_forms_of_the_key(secret: str, key: bytes) -> None:
    assert checked(Svix(), svix(key=key), secrets=(secret,)).slot == 0


def test_any_v1_of_several_will_do() -> None:
    headers = svix()
    good = headers["svix-signature"]
    headers["svix-signature"] = f"v1a,AAAA v2,BBBB v1,{base64.b64encode(bytes(32)).decode()} {good}"
    assert checked(Svix(), headers, secrets=(WHSEC,)).slot == 0
    headers["svix-signature"] = good.replace("v1,", "v1a,")
    assert failing(Svix(), headers, secrets=(WHSEC,)) == "wrong"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"svix-id": "msg_2"}, "wrong", id="another id"),
        pytest.param({"svix-id": ""}, "missing", id="no id"),
        pytest.param({"svix-id": "é"}, "missing", id="an id that is not ASCII"),
        pytest.param({"svix-id": "m" * 256}, "missing", id="a long id"),
        pytest.param({"svix-timestamp": ""}, "missing", id="no time stamp"),
        pytest.param({"svix-timestamp": str(int(STAMP) + 1)}, "wrong", id="another time stamp"),
        pytest.param({"svix-signature": "v1"}, "wrong", id="a version alone"),
        pytest.param({"svix-signature": ""}, "wrong", id="an empty signature"),
        pytest.param({"svix-signature": "v1,\udcff"}, "wrong", id="not ASCII"),
    ],
)
def test_bad_svix(change: dict[str, str], why: str) -> None:
    assert failing(Svix(), svix() | change, secrets=(WHSEC,)) == why


def test_svix_without_a_signature_or_with_an_empty_key() -> None:
    assert failing(Svix(), {}, secrets=(WHSEC,)) == "missing"
    assert failing(Svix(), svix(key=b""), secrets=("whsec_",)) == "wrong"
    assert failing(Svix(), svix(key=b"!"), secrets=("whsec_!",)) == "wrong"


def test_an_old_svix_time_stamp() -> None:
    stamp = str(int(STAMP) - 301)
    assert failing(Svix(), svix(stamp=stamp), secrets=(WHSEC,)) == "time"


def test_what_is_shown() -> None:
    assert is_shown(Svix(), {"webhook-signature": ""})
    assert not is_shown(Svix(), {"svix-id": "x", "svix-timestamp": "1"})
    assert is_shown(GRAFANA, {GRAFANA.header: ""})
    assert not is_shown(GRAFANA, {})


@given(st.binary(max_size=200), st.text(max_size=80), st.text(max_size=30))
def test_nothing_that_is_sent_raises_anything_else(body: bytes, text: str, stamp: str) -> None:
    headers = {"x-signature": text, "x-time": stamp, **{f"svix-{each}": text for each in ("id", "signature")}}
    for scheme in (TIMED, Svix(), Hmac(header="x-signature", encoding="base64", prefix="é")):
        with pytest.raises(BadSignature):
            checked(scheme, headers | {"svix-timestamp": stamp}, body)


def test_other_schemes_sign_nothing_with_a_token() -> None:
    with pytest.raises(TypeError):
        checked(SecretInBody("sharedSecret"), {})


def test_what_a_scheme_needs() -> None:
    asked = {
        scheme: (signing.needs_secrets, signing.needs_signature, signing.needs_token)
        for scheme in (GRAFANA, Svix(), SecretInBody("s"), Sns(), Sns(topics=frozenset({"arn"})))
        for signing in [Signing(scheme=scheme)]
    }
    assert list(asked.values()) == [
        (True, False, False),
        (True, False, False),
        (False, False, False),
        (False, True, True),
        (False, True, False),
    ]
    assert Signing(scheme=GRAFANA, is_required=True).needs_signature
    assert Signing(scheme=Svix()).is_given_by_sender
    assert not Signing(scheme=GRAFANA).is_given_by_sender


# --- the keys of a source -------------------------------------------------------------------------------

SOURCE = {"name": "s", "kind": "mapped", "token": {"env": "T"}}


def mapped(**more: Any) -> Signing | None:
    return MappedSettings.model_validate(SOURCE | more).signed()


def test_a_mapped_source_says_how_it_is_signed() -> None:
    signing = mapped(
        signing={
            "header": "X-Sign",
            "algorithm": "sha1",
            "encoding": "base64",
            "prefix": "s=",
            "timestamp_header": "X-Time",
            "text": "{timestamp}.{body}",
        },
        signature="required",
        signature_window="90s",
    )
    assert signing == Signing(
        scheme=Hmac(
            header="X-Sign",
            algorithm="sha1",
            encoding="base64",
            prefix="s=",
            timestamp_header="X-Time",
            text="{timestamp}.{body}",
        ),
        is_required=True,
        window=timedelta(seconds=90),
    )
    assert mapped(signing={"scheme": "svix"}) == Signing(scheme=Svix())
    assert mapped(signing={"scheme": "svix"}, signature="off") is None
    assert mapped() is None


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"signature": "required"}, "needs signing"),
        ({"signing": {}}, "needs the header"),
        ({"signing": {"scheme": "svix", "header": "X"}}, "complete by itself"),
        ({"signing": {"header": "X", "text": "{timestamp}.{body}"}}, "if and only if"),
        ({"signing": {"header": "X", "timestamp_header": "T", "text": "{body}"}}, "if and only if"),
        ({"signing": {"header": "X", "text": "x"}}, "once"),
        ({"signing": {"header": "X Y"}}, "pattern"),
        ({"signing": {"header": "X"}, "signature_window": "0s"}, "from 1s to 1h"),
        ({"signing": {"header": "X"}, "signature_window": "2h"}, "from 1s to 1h"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        mapped(**more)


def test_headers_that_the_user_chooses() -> None:
    keys = SignatureHeaderKeys(signature_header="X-Mine", signature_timestamp_header="X-Time")
    signing = keys.signing_by(GRAFANA)
    assert signing is not None
    assert signing.scheme == Hmac(header="X-Mine", timestamp_header="X-Time", bodies_differ=True)
    assert SignatureHeaderKeys().signing_by(GRAFANA) == Signing(scheme=GRAFANA)
    assert SignatureHeaderKeys(signature_header="X").signing_by(Svix()) == Signing(scheme=Svix())


def test_the_text_of_the_settings_is_toml_like() -> None:
    assert SigningSettings.model_validate(json.loads('{"header": "X"}')).compiled() == Hmac(header="X")
