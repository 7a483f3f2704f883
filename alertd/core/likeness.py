"""How alike two company names are, for a person to choose from: never for a machine to decide by."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

LEAST = 0.45  # below it a name is no candidate
MOST = 3
EXACT = 1.0
_WORDS = re.compile(r"[^\W_]+")
# Legal forms, and what stands in many names and tells none apart.
_SAY_LITTLE = (
    "ab ag and aps as asa bv co company corp corporation cv de der des die do e eirl et ev gmbh group "
    "holding holdings inc incorporated kg kk la le les limited llc llp lp ltd ltda mbh nv of oy plc pty "
    "pvt sa sarl sas sl spa sprl srl the und van von y"
)
_EMPTY = frozenset(_SAY_LITTLE.split())


class Candidate(msgspec.Struct, frozen=True):
    """A company that may be meant. A score of 1 means the same words, legal forms aside."""

    company_id: int
    company: str
    score: float


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name that tell it apart, in order: no case, accents, dots or legal forms."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    plain = plain.replace(".", "").replace("'", "").replace("\u2019", "")  # B.V., O'Hara
    found = _WORDS.findall(plain)
    return tuple(sorted(word for word in found if word not in _EMPTY)) or tuple(sorted(found))


class Candidates:
    """Companies, searched by likeness: only those that share a piece of a word are compared."""

    def __init__(self, companies: Iterable[tuple[int, str]]) -> None:
        self._companies = list(companies)
        self._words = [words(name) for _, name in self._companies]
        self._pieces = [_pieces(found) for found in self._words]
        self._having: dict[str, list[int]] = defaultdict(list)
        for index, pieces in enumerate(self._pieces):
            for piece in pieces:
                self._having[piece].append(index)

    def like(self, name: str, *, most: int = MOST) -> Sequence[Candidate]:
        """Return the companies most like `name`, the best first."""
        wanted = words(name)
        pieces = _pieces(wanted)
        shared = Counter(index for piece in pieces for index in self._having.get(piece, ()))
        scored = [
            Candidate(*self._companies[index], self._score(index, wanted, pieces, count))
            for index, count in shared.items()
        ]
        likely = [each for each in scored if each.score >= LEAST]
        return sorted(likely, key=lambda each: (-each.score, each.company, each.company_id))[:most]

    def _score(self, index: int, wanted: tuple[str, ...], pieces: frozenset[str], shared: int) -> float:
        """Dice's coefficient of the pieces; higher where all words of one are words of the other."""
        theirs = self._words[index]
        if theirs == wanted:
            return EXACT
        alike = 2 * shared / (len(pieces) + len(self._pieces[index]))
        few, many = sorted((set(wanted), set(theirs)), key=len)
        if few <= many:
            alike = max(alike, 0.6 + 0.3 * len("".join(few)) / max(len("".join(many)), 1))
        return round(min(alike, 0.99), 2)


def _pieces(found: Iterable[str]) -> frozenset[str]:
    """Return the words' runs of three characters; their ends count as one each."""
    marked = [f" {word} " for word in found]
    return frozenset(word[at : at + 3] for word in marked for at in range(len(word) - 2))
