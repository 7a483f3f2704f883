"""`alertd routes test` without labels: the `[[tests]]` of the file, and which routes they reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click

from alertd.cli.tables import print_json, print_table
from alertd.config.routing import Coverage, TestResult, coverage, run_tests
from alertd.config.settings import Settings

_SUITE = "alertd routes test"


def tested(settings: Settings, *, as_json: bool, fail_under: float, junit: Path | None) -> int:
    """Run the tests and tell of them; return the exit code.

    Args:
        settings: The configuration.
        as_json: Whether to tell it as JSON.
        fail_under: Smallest share of the routes, in percent, that the tests may reach.
        junit: File for the results as JUnit XML.
    """
    results, covered = run_tests(settings), coverage(settings)
    if junit is not None:
        _write_junit(results, junit)
    if as_json:
        print_json([_result_row(result) for result in results])
    else:
        _print_results(results)
        click.echo(_covered(covered))
    if covered.percent < fail_under:
        click.echo(
            f"alertd: the tests reach {covered.percent:.0f} % of the routes, and {fail_under:g} % "
            "are asked for; add tests for the routes named",
            err=True,
        )
        return 1
    return 0 if all(result.passed for result in results) else 1


def _covered(covered: Coverage) -> str:
    count = len(covered.reached) + len(covered.missed)
    missed = f"; no test reaches {', '.join(covered.missed)}" if covered.missed else ""
    return f"Routes reached: {len(covered.reached)} of {count} ({covered.percent:.0f} %){missed}."


def _result_row(result: TestResult) -> dict[str, Any]:
    mismatches = [
        {"what": each.what, "expected": each.expected, "found": each.found} for each in result.mismatches
    ]
    return {"test": result.test_name, "passed": result.passed, "mismatches": mismatches}


def _print_results(results: Sequence[TestResult]) -> None:
    if not results:
        click.echo("There are no [[tests]] in the configuration; add some, or give labels to ask about.")
        return
    rows = [
        ("ok" if result.passed else "FAILED", result.test_name, "; ".join(_wanted(result)))
        for result in results
    ]
    print_table(("RESULT", "TEST", "WHY"), rows)
    passed = sum(result.passed for result in results)
    click.echo(f"{passed} of {len(results)} tests pass.")


def _wanted(result: TestResult) -> Iterator[str]:
    for each in result.mismatches:
        yield f"expected {each.what} {each.expected}, found {each.found}"


def _write_junit(results: Sequence[TestResult], path: Path) -> None:
    failures = sum(not result.passed for result in results)
    suite = ET.Element("testsuite", name=_SUITE, tests=str(len(results)), failures=str(failures))
    for result in results:
        case = ET.SubElement(suite, "testcase", classname=_SUITE, name=result.test_name)
        for why in _wanted(result):
            ET.SubElement(case, "failure", message=why)
    try:
        ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as exc:
        raise click.ClickException(f"{path} cannot be written: {exc.strerror}; name another file") from exc
