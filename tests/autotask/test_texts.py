from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alertd.autotask import texts

REFERENCE = "[ref: alertd-abcdefghijklmnopqrstuvwxyz-g1]"
anything = st.text(st.characters(codec=None), max_size=400)


@given(text=anything, most=st.integers(10, 300))
def test_what_is_cut_fits_and_can_be_sent(text: str, most: int) -> None:
    cut = texts.cut(text, most)
    assert texts.width(cut) <= most
    assert len(cut.encode("utf-16-le")) // 2 <= most
    assert "\x00" not in cut
    cut.encode()


@given(text=anything)
def test_a_long_description_keeps_its_last_line(text: str) -> None:
    cut = texts.cut_before_last_line(f"{text}\n{REFERENCE}", 120)
    assert cut.endswith(f"\n{REFERENCE}")
    assert texts.width(cut) <= 120


def test_what_fits_is_left_alone() -> None:
    assert texts.cut("Disk full on SRV1", texts.TITLE) == "Disk full on SRV1"


def test_what_is_cut_carries_a_mark() -> None:
    assert texts.cut("x" * 300, 255) == "x" * 251 + " […]"


def test_emoji_count_twice_as_in_the_database() -> None:
    assert texts.width("🔥\n") == 4
