"""YAML as Alertmanager reads it: what a scalar is depends on what is wanted, and every value has its line.

YAML's own guessing (`on` is a truth value, `08:00` a number) is left out: a scalar is the text as written.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
import yaml

from alertd.config.faults import ConfigError, Fault

MOST_NODES = 200_000  # aliases repeat what they name, so a small file can be a huge document
_DEEPEST = 100
_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"


class Text(msgspec.Struct, frozen=True):
    """A scalar as written."""

    value: str
    line: int


class Nothing(msgspec.Struct, frozen=True):
    """A key without a value, or `null`."""

    line: int


class Items(msgspec.Struct, frozen=True):
    """A sequence."""

    values: tuple[Node, ...]
    line: int


class Table(msgspec.Struct, frozen=True):
    """A mapping. `lines` has the line of each key."""

    values: dict[str, Node]
    lines: dict[str, int]
    line: int


Node: TypeAlias = Text | Nothing | Items | Table


def read_yaml(text: str, file: str) -> Node:
    """Return the one document that `text` holds; an empty one is `Nothing`.

    Args:
        text: YAML.
        file: What faults name it.

    Raises:
        ConfigError: It is not YAML, or no document that Alertmanager would take: a key twice, a key that is
            no text, nested deeper than 100 levels, or more than 200,000 values.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise _refused(file, mark.line + 1 if mark else 0, f"is not YAML: {exc.problem or exc}") from None
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, int(exc.position)) + 1
        raise _refused(file, line, f"is not YAML: {exc.reason}") from None
    except RecursionError:
        raise _refused(file, 0, "is nested too deeply") from None
    return Nothing(1) if root is None else _Conversion(file).node(root, 0)


def _refused(file: str, line: int, problem: str) -> ConfigError:
    return ConfigError([Fault(file, line, "", " ".join(problem.split()))])


class _Conversion:
    """One document's nodes, counted."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._left = MOST_NODES

    def node(self, node: Any, depth: int) -> Node:
        line = node.start_mark.line + 1
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise _refused(self._file, line, "is nested too deeply, or repeats too much by aliases")
        if isinstance(node, yaml.MappingNode):
            return self._table(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self.node(each, depth + 1) for each in node.value), line)
        return Nothing(line) if node.tag == _NULL else Text(str(node.value), line)

    def _table(self, node: Any, depth: int) -> Table:
        values: dict[str, Node] = {}
        lines: dict[str, int] = {}
        merged: list[Table] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == _MERGE:
                merged += self._merged(value, depth)
            elif not isinstance(key, yaml.ScalarNode):
                raise _refused(self._file, line, "a key should be text")
            elif key.value in values:
                raise _refused(self._file, line, f"the key {key.value} is there twice")
            else:
                values[key.value], lines[key.value] = self.node(value, depth + 1), line
        for table in merged:
            values = {**table.values, **values}
            lines = {**table.lines, **lines}
        return Table(values, lines, node.start_mark.line + 1)

    def _merged(self, value: Any, depth: int) -> list[Table]:
        """Return what `<<` takes over: of several tables the first that has a key wins."""
        found = self.node(value, depth + 1)
        tables = found.values if isinstance(found, Items) else (found,)
        if not all(isinstance(each, Table) for each in tables):
            raise _refused(self._file, found.line, "<< should name a mapping, or several")
        return [each for each in tables if isinstance(each, Table)]
