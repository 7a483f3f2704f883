from __future__ import annotations

import pytest

from alertd.config.lines import LineIndex
from alertd.config.paths import KeyPath

TEXT = """\
a = 1
b = [
  1,
  { c = 2 },
]

[t]
x.y = 3
s = '''
[not.a.table]
u = 9
'''
z = 4
[[r]]
n = 1
[[r.r]]
n = 2
[[r]]
n = 3
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("b",), 2),
        (("b", 1, "c"), 2),
        (("t",), 7),
        (("t", "x", "y"), 8),
        (("t", "s"), 9),
        (("t", "z"), 13),
        (("r", 0), 14),
        (("r", 0, "n"), 15),
        (("r", 0, "r", 0, "n"), 17),
        (("r", 1), 18),
        (("r", 1, "n"), 19),
        (("r", 1, "missing"), 18),
        (("t", "missing", "deep"), 7),
        (("nothing",), 1),
        ((), 1),
    ],
)
def test_every_key_is_found_where_it_begins(path: KeyPath, line: int) -> None:
    assert LineIndex(TEXT).line_of(path) == line


def test_many_lines_take_few_parses() -> None:
    text = "".join(f"[[rows]]\nname = 'row {number}'\n" for number in range(2000))
    index = LineIndex(text)
    assert index.line_of(("rows", 1500, "name")) == 3002
    assert len(index._parsed) < 30
