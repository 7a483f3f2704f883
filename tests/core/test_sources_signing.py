"""What each kind can show beside a token, by the settings of its source."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from alertd.core.reading.signatures import Hmac, SecretInBody, Signing, Sns, Svix
from alertd.core.sources import kinds

SETTINGS: TypeAdapter[Any] = TypeAdapter(kinds.SourceSettings)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"


def signing(kind: str, **more: Any) -> Signing | None:
    table = {"name": "s", "kind": kind, "token": {"env": "T"}}
    return kinds.signing(SETTINGS.validate_python(table | more))


def test_huntress_signs_as_svix_does() -> None:
    assert signing("huntress") == Signing(scheme=Svix())
    required = Signing(scheme=Svix(), is_required=True, window=timedelta(minutes=2))
    assert signing("huntress", signature="required", signature_window="2m") == required
    assert signing("huntress", signature="off") is None


def test_grafana_signs_by_headers_of_its_user() -> None:
    own = Hmac(header="X-Grafana-Alerting-Signature", bodies_differ=True)
    assert signing("grafana") == Signing(scheme=own)
    chosen = signing("grafana", signature_header="X-A", signature_timestamp_header="X-B")
    assert chosen == Signing(scheme=Hmac(header="X-A", timestamp_header="X-B", bodies_differ=True))


def test_meraki_sends_the_token_in_the_body() -> None:
    assert signing("meraki") == Signing(scheme=SecretInBody("sharedSecret"))


def test_cloudwatch_trusts_topics() -> None:
    assert signing("cloudwatch") == Signing(scheme=Sns())
    known = Sns(topics=frozenset({TOPIC}), confirm=True)
    assert signing("cloudwatch", topics=[TOPIC], confirm=True) == Signing(scheme=known)
    assert signing("cloudwatch", signature="off", topics=[TOPIC]) is None


@pytest.mark.parametrize(
    "more", [{"confirm": True}, {"confirm": True, "topics": [TOPIC], "signature": "off"}]
)
def test_only_what_is_proven_is_confirmed(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="confirm = true needs"):
        signing("cloudwatch", **more)


def test_the_others_do_not_sign() -> None:
    assert signing("alertmanager") is None
    assert signing("auvik") is None
