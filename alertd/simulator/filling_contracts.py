"""Filling a tenant with the catalogue and with contracts, their lines and units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from alertd.simulator.contract_days import DAY, add_months, changed_from, day_to_wire, to_day
from alertd.simulator.contract_posting import post
from alertd.simulator.contract_units import (
    BUNDLES,
    SERVICES,
    Family,
    Line,
    add_line,
    fit_to_contract,
    lay_out,
    lines_of,
)
from alertd.simulator.filling import Filler, checked
from alertd.simulator.instants import to_wire
from alertd.simulator.rules_contracts import impossible_dates
from alertd.simulator.scenario import Scenario, ScenarioError
from alertd.simulator.scenario_contracts import ContractPart, LinePart, ServicePart
from alertd.simulator.schema import ENTITIES
from alertd.simulator.schema_contracts import CONTRACTS
from alertd.simulator.switches import Switches
from alertd.simulator.tables import Stamp
from alertd.simulator.tenant import Tenant
from alertd.simulator.wire import JSON

_MONTHS = re.compile(r"^([+-]\d{1,3})m$")
_DEFAULTS: JSON = {"contractType": 7, "status": 1, "contractPeriodType": 2}


@dataclass(frozen=True)
class ContractFiller:
    """Merges the contracts of one scenario, after everything else in it, at the filler's instant."""

    filler: Filler
    switches: Switches

    @property
    def tenant(self) -> Tenant:
        """The tenant that is filled."""
        return self.filler.tenant

    @property
    def stamp(self) -> Stamp:
        """The filler's instant; nobody has done it."""
        return Stamp(self.filler.now)

    def fill(self, scenario: Scenario) -> None:
        """Merge services, bundles and contracts.

        Raises:
            ScenarioError: A name, a label or a day makes no sense.
        """
        for service in scenario.services:
            self._product("Services", service)
        for bundle in scenario.service_bundles:
            self._product("ServiceBundles", bundle)
        for contract in scenario.contracts:
            self._contract(contract)

    def _product(self, entity: str, part: ServicePart) -> None:
        values: JSON = {"name": part.name, "unitPrice": part.price, "unitCost": part.cost}
        values["isActive"] = part.active
        if part.period is not None:
            values["periodType"] = self._picked(entity, "periodType", part.period)
        defaults: JSON = {"periodType": 2, "billingCodeID": 2, "unitPrice": 0.0, "unitCost": 0.0}
        if entity == "Services":
            defaults["createDate"] = to_wire(self.filler.now)
        self.filler.merge(entity, values | part.fields, row_id=part.id, key="name", defaults=defaults)

    def _contract(self, part: ContractPart) -> None:
        company = self.filler.reference("Companies", part.company)
        table = self.tenant.table("Contracts")
        named = (row["id"] for row in table.find("companyID", company) if row["contractName"] == part.name)
        row_id = next(named, None) if part.id is None else part.id
        before = table.get(row_id)
        values: JSON = {"companyID": company, "contractName": part.name} | self._dates(part)
        for name, label in (("contractType", part.type), ("status", part.status)):
            if label is not None:
                values[name] = self._picked("Contracts", name, label)
        values = checked(CONTRACTS, values | part.fields)
        if fault := impossible_dates((before or self._defaults()) | values):
            raise ScenarioError(f"contract {part.name!r}: {fault}")
        row_id = self.filler.merge("Contracts", values, row_id=row_id, defaults=self._defaults())
        if before is not None:
            for line in lines_of(self.tenant, self.switches, row_id):
                fit_to_contract(line, to_day(before["startDate"]), self.stamp)
        for family, lines in ((SERVICES, part.services), (BUNDLES, part.bundles)):
            for each in lines:
                self._line(family, each, row_id)
        if part.posted is not None:
            through = _day(part.posted, self.filler.now)
            for line in lines_of(self.tenant, self.switches, row_id):
                post(line, through, self.stamp)

    def _defaults(self) -> JSON:
        dates = {
            "startDate": day_to_wire(_day("-12m", self.filler.now)),
            "endDate": day_to_wire(_last_day("+11m", self.filler.now)),
        }
        changed = {"lastModifiedDateTime": to_wire(self.filler.now)}
        return _DEFAULTS | {"timeReportingRequiresStartAndStopTimes": 0} | dates | changed

    def _dates(self, part: ContractPart) -> JSON:
        start = None if part.start is None else day_to_wire(_day(part.start, self.filler.now))
        end = None if part.end is None else day_to_wire(_last_day(part.end, self.filler.now))
        return {"startDate": start, "endDate": end}

    def _line(self, family: Family, part: LinePart, contract_id: int) -> None:
        product = self.filler.reference(family.catalogue, part.name)
        there = self.tenant.table(family.lines).find("contractID", contract_id)
        found = next((row for row in there if row[family.catalogue_id] == product), None)
        given = checked(ENTITIES[family.lines], {"unitPrice": part.price} | part.fields)
        if found is not None:
            self.filler.merge(family.lines, given, row_id=found["id"])
            self._set_units(self._at(family, found["id"]), part)
            return
        row = self.tenant.new_row(family.lines) | {"id": part.id} | given
        row |= {"contractID": contract_id, family.catalogue_id: product}
        line = Line(tenant=self.tenant, switches=self.switches, family=family, row=row)
        start = line.contract["startDate"][:10] if part.start is None else part.start
        add_line(line, _day(start, self.filler.now), part.units or 0, self.stamp)

    def _at(self, family: Family, row_id: int) -> Line:
        row = self.tenant.table(family.lines).rows[row_id]
        return Line(tenant=self.tenant, switches=self.switches, family=family, row=row)

    def _set_units(self, line: Line, part: LinePart) -> None:
        if part.units is None:
            return
        posted = line.posted_until()
        first = to_day(line.contract["startDate"]) if posted is None else posted + DAY
        start = first if part.start is None else max(first, _day(part.start, self.filler.now))
        set_units(line, start, part.units, self.stamp)

    def _picked(self, entity: str, name: str, label: Any) -> int | str:
        try:
            return self.tenant.label_to_value(entity, name, label)
        except LookupError as exc:
            raise ScenarioError(str(exc)) from exc


def set_units(line: Line, start: date, units: int, stamp: Stamp) -> None:
    """Give every day of a line from `start` on the same units."""
    levels = changed_from(line.levels(), start, 0)
    wanted = [
        level if level.start < start else type(level)(level.start, units, level.price, level.cost)
        for level in levels
    ]
    lay_out(line, wanted, stamp)


def _day(text: str, now: float) -> date:
    """Return an ISO date, or the first day of a month counted from now."""
    match = _MONTHS.match(text)
    if match:
        return add_months(datetime.fromtimestamp(now, UTC).date().replace(day=1), int(match[1]))
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise ScenarioError(f"{text!r} is neither a date like 2026-03-01 nor months like -2m") from exc


def _last_day(text: str, now: float) -> date:
    """Return an ISO date, or the last day of a month counted from now."""
    return add_months(_day(text, now), 1) - DAY if _MONTHS.match(text) else _day(text, now)
