"""Filling a tenant from a scenario: rows are merged by id or by name, references by either."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from alertd.simulator.entities import Entity
from alertd.simulator.instants import to_wire
from alertd.simulator.rules_tickets import COMPLETE
from alertd.simulator.scenario import (
    ApiUserPart,
    CompanyPart,
    ContactPart,
    DevicePart,
    QueuePart,
    ResourcePart,
    Scenario,
    ScenarioError,
    TagPart,
)
from alertd.simulator.schema import BY_LOWER_NAME, ENTITIES
from alertd.simulator.schema_udfs import UDF_DATA_TYPES, UDF_ENTITIES
from alertd.simulator.tables import Stamp
from alertd.simulator.tenant import ApiUser, PickValue, Tenant, UdfDefinition
from alertd.simulator.values import for_write
from alertd.simulator.wire import JSON, ApiError

_PRODUCT = "Managed Device"
_UDFS = "userDefinedFields"
_ALIASES = "Monitoring Name"
_PRODUCT_DEFAULTS: JSON = {"isActive": True, "isSerialized": True, "productBillingCodeID": 1}
_PERSON: JSON = {
    "emailTypeCode": "PRIMARY",
    "resourceType": "Employee",
    "payrollType": 1,
    "numberFormat": "X,XXX.XX",
    "hireDate": "2020-01-01T00:00:00.000Z",
}
_QUEUE_FIELDS = (("Tickets", "queueID"), ("ResourceRoleQueues", "queueID"), ("ResourceRoles", "queueID"))


def find_by_name(tenant: Tenant, entity: str, key: int | str) -> JSON | None:
    """Return the row of that id, ticket number, label, user name or (full) name."""
    if isinstance(key, int):
        return tenant.table(entity).get(key)
    wanted = key.lower()
    for row in tenant.table(entity):
        full = f"{row.get('firstName')} {row.get('lastName')}"
        names = (
            row.get(name)
            for name in ("ticketNumber", "companyName", "name", "label", "userName", "contractName")
        )
        if wanted in {str(name).lower() for name in (*names, full, row.get("referenceTitle"))}:
            return row
    return None


def by_value(tenant: Tenant, entity: Entity, values: JSON) -> JSON:
    """Return values with picklist labels turned into the values they stand for.

    Raises:
        LookupError: A field or a label does not exist.
    """
    found: JSON = {}
    for name, value in values.items():
        field = entity.find(name)
        if field is None:
            raise LookupError(f"{entity.name} has no field {name}")
        labelled = field.picklist and value is not None
        found[field.name] = tenant.label_to_value(entity.name, field.name, value) if labelled else value
    return found


def checked(entity: Entity, values: JSON) -> JSON:
    """Return the values that are given, in the types of their fields.

    Raises:
        ScenarioError: A field does not exist, or cannot hold its value.
    """
    given = {name: value for name, value in values.items() if value is not None}
    unknown = set(given) - set(entity.blank) - {_UDFS}
    if unknown:
        raise ScenarioError(f"{entity.name} has no field {', '.join(sorted(unknown))}")
    return {name: _typed(entity, name, value) for name, value in given.items()}


def _typed(entity: Entity, name: str, value: Any) -> Any:
    if name == _UDFS and not isinstance(value, dict):
        raise ScenarioError(f"{entity.name}.{name} should be a table of names and values")
    field = entity.find(name)
    if field is None:
        return value
    try:
        return for_write(field, value.isoformat() if isinstance(value, date) else value)
    except ApiError as exc:
        raise ScenarioError(f"{entity.name}.{name}: {exc.reply.json()['errors'][0]}") from exc


@dataclass(frozen=True)
class Filler:
    """Merges one scenario into one tenant at one instant. What it writes is visible at once."""

    tenant: Tenant
    now: float

    def fill(self, scenario: Scenario) -> None:
        """Merge everything the scenario holds, in an order in which references resolve.

        Raises:
            ScenarioError: A name, label, entity or field does not exist.
        """
        self._fill_lists(scenario)
        for role in scenario.roles:
            self.merge("Roles", {"name": role.name} | role.fields, row_id=role.id, key="name")
        for resource in scenario.resources:
            self._resource(resource)
        for queue in scenario.queues:
            self._queue(queue)
        for company in scenario.companies:
            self._company(company)
        for contact in scenario.contacts:
            self._contact(contact)
        for device in scenario.devices:
            self._device(device)
        for group in scenario.tag_groups:
            values = {"label": group.label, "isActive": group.active} | group.fields
            self.merge("TagGroups", values, row_id=group.id, key="label")
        for tag in scenario.tags:
            self._tag(tag)
        self._fill_rows(scenario)
        for user in scenario.api_users:
            self._api_user(user)

    def merge(
        self,
        entity: str,
        values: JSON,
        *,
        row_id: int | None = None,
        key: str = "",
        defaults: JSON | None = None,
    ) -> int:
        """Insert a row, or change the one with that id or that value of `key`.

        Args:
            entity: The plural name.
            values: What is set; None means it was not given, and changes nothing.
            row_id: The id, if it is known.
            key: The field that tells whether the row is there, if the id is not known.
            defaults: What a new row gets besides.

        Raises:
            ScenarioError: The entity or a field does not exist.
        """
        found = ENTITIES[self._entity(entity)]
        values = checked(found, values)
        if row_id is not None and (isinstance(row_id, bool) or not isinstance(row_id, int)):
            raise ScenarioError(f"{found.name}: {row_id!r} is no id")
        old = self.tenant.table(found.name).get(row_id)
        if row_id is None and key:
            old = next((row for row in self.tenant.table(found.name) if row[key] == values[key]), None)
        stamp = Stamp(self.now)
        if old is not None:
            self.tenant.table(found.name).update(old["id"], values, stamp)
            return int(old["id"])
        row = self.tenant.new_row(found.name) | {"id": row_id} | (defaults or {}) | values
        return self.tenant.table(found.name).insert(row, stamp)

    def reference(self, entity: str, key: int | str) -> int:
        """Return the id of a row named by id or name.

        Raises:
            ScenarioError: There is none.
        """
        row = find_by_name(self.tenant, entity, key)
        if row is None:
            raise ScenarioError(f"{entity} has no {key!r}")
        return int(row["id"])

    def _fill_lists(self, scenario: Scenario) -> None:
        for entity, fields in scenario.picklists.items():
            listing = ENTITIES[self._entity(entity)]
            for name, values in fields.items():
                if listing.find(name) is None:
                    raise ScenarioError(f"{listing.name} has no field {name}")
                for each in values:
                    value = PickValue(**{field: getattr(each, field) for field in each.__struct_fields__})
                    value.parent = str(each.parent)
                    self._pick(entity, name, value)
        for udf in scenario.udfs:
            details = {name: getattr(udf, name) for name in udf.__struct_fields__ if name != "entity"}
            definition = UdfDefinition(**details)
            self.tenant.udfs.setdefault(self._entity(udf.entity), {})[udf.name] = definition
            self._describe_udf(udf.entity, definition)

    def _describe_udf(self, entity: str, udf: UdfDefinition) -> None:
        """File the rows in which a user-defined field is seen as an entity."""
        kind = next((value for value, names in UDF_ENTITIES.items() if names[0] == entity), None)
        if kind is None:
            return
        table = self.tenant.table("UserDefinedFieldDefinitions")
        old = (row["id"] for row in table if (row["name"], row["udfType"]) == (udf.name, kind))
        values: JSON = {"name": udf.name, "udfType": kind, "isRequired": udf.required}
        values |= {"isProtected": udf.protected, "createDate": to_wire(self.now)}
        values["dataType"] = UDF_DATA_TYPES["list" if udf.values else udf.type]
        row_id = self.merge("UserDefinedFieldDefinitions", values, row_id=next(old, None))
        listed = self.tenant.table("UserDefinedFieldListItems").find("udfFieldId", row_id)
        known = {row["valueForDisplay"] for row in listed}
        for value in (each for each in udf.values if each not in known):
            self.merge("UserDefinedFieldListItems", {"udfFieldId": row_id, "valueForDisplay": value})

    def _pick(self, entity: str, name: str, value: PickValue) -> None:
        values = self.tenant.picklists.setdefault((entity, name), {})
        old = values.get(str(value.value))
        value.label = value.label or (old.label if old else str(value.value))
        value.system = value.system or (old is not None and old.system)
        value.sort_order = old.sort_order if old else len(values) + 1
        values[str(value.value)] = value

    def _resource(self, part: ResourcePart) -> None:
        name = part.username or f"{part.first}.{part.last}".lower()[:32]
        values: JSON = {"firstName": part.first, "lastName": part.last, "userName": name}
        values |= {"email": part.email, "isActive": part.active, "licenseType": part.license} | part.fields
        defaults = {"email": f"{name}@msp.example"} | _PERSON
        row_id = self.merge("Resources", values, row_id=part.id, key="userName", defaults=defaults)
        for role in part.roles:
            role_id = self.reference("Roles", role)
            for entity in ("ResourceServiceDeskRoles", "ResourceRoles"):
                pairs = self.tenant.table(entity).find("resourceID", row_id)
                if not any(pair["roleID"] == role_id for pair in pairs):
                    self.merge(entity, {"resourceID": row_id, "roleID": role_id})

    def _queue(self, part: QueuePart) -> None:
        for entity, name in _QUEUE_FIELDS:
            value = PickValue(value=part.id, label=part.label or "", active=part.active, system=part.system)
            self._pick(entity, name, value)
        if part.resources is None:
            return
        table = self.tenant.table("ResourceRoleQueues")
        for row in table.find("queueID", part.id):
            table.delete(row["id"], Stamp(self.now))
        for key in part.resources:
            self.merge(
                "ResourceRoleQueues", {"queueID": part.id, "resourceID": self.reference("Resources", key)}
            )

    def _company(self, part: CompanyPart) -> None:
        values: JSON = {"companyName": part.name, "isActive": part.active}
        if part.type is not None:
            values["companyType"] = self._picked("Companies", "companyType", part.type)
        if part.parent is not None:
            values["parentCompanyID"] = self.reference("Companies", part.parent)
        if part.aliases is not None:
            values[_UDFS] = {_ALIASES: part.aliases}
        defaults: JSON = {"phone": "555-0100", "companyType": 1, "ownerResourceID": self._owner()}
        defaults["createDate"] = to_wire(self.now)
        row_id = self.merge(
            "Companies", values | part.fields, row_id=part.id, key="companyName", defaults=defaults
        )
        for location in part.locations:
            self._once("CompanyLocations", "name", {"companyID": row_id, "name": location})
        for contact in part.contacts:
            self._contact(ContactPart(company=row_id, name=contact))
        for device in part.devices:
            self._device(DevicePart(company=row_id, name=device))

    def _contact(self, part: ContactPart) -> None:
        first, _, last = part.name.partition(" ")
        values: JSON = {"companyID": self.reference("Companies", part.company), "firstName": first}
        mail = part.email or f"{part.name.lower().replace(' ', '.')}@customer.example"
        active = None if part.active is None else int(part.active)
        values |= {"lastName": last or first, "emailAddress": mail, "isActive": active} | part.fields
        self._once("Contacts", "emailAddress", values, row_id=part.id, defaults={"isActive": 1})

    def _device(self, part: DevicePart) -> None:
        company = self.reference("Companies", part.company)
        values: JSON = {"companyID": company, "referenceTitle": part.name, "isActive": part.active}
        values |= {"rmmDeviceAuditHostname": part.name, "serialNumber": part.serial} | part.fields
        product = self.merge("Products", {"name": _PRODUCT}, key="name", defaults=_PRODUCT_DEFAULTS)
        defaults: JSON = {"productID": product, "isActive": True, "serialNumber": f"SN-{part.name}"}
        defaults["createDate"] = to_wire(self.now)
        row_id = self._once("ConfigurationItems", "referenceTitle", values, row_id=part.id, defaults=defaults)
        if "rmmDeviceUID" not in part.fields:
            uid = f"00000000-0000-4000-8000-{row_id:012d}"
            self.merge("ConfigurationItems", {"rmmDeviceID": row_id, "rmmDeviceUID": uid}, row_id=row_id)

    def _once(
        self, entity: str, key: str, values: JSON, *, row_id: int | None = None, defaults: JSON | None = None
    ) -> int:
        rows = self.tenant.table(entity).find("companyID", values["companyID"])
        old = next((row["id"] for row in rows if row[key] == values[key]), None)
        return self.merge(entity, values, row_id=row_id if row_id is not None else old, defaults=defaults)

    def _tag(self, part: TagPart) -> None:
        values: JSON = {"label": part.label, "isActive": part.active, "isSystem": part.system}
        if part.group is not None:
            values["tagGroupID"] = self.reference("TagGroups", part.group)
        self.merge("Tags", values | part.fields, row_id=part.id, key="label")

    def _fill_rows(self, scenario: Scenario) -> None:
        for entity, rows in scenario.rows.items():
            for row in rows:
                self.merge(entity, {name: row[name] for name in row if name != "id"}, row_id=row.get("id"))
        for ticket in scenario.tickets:
            self._ticket(dict(ticket))
        for rule in scenario.category_rules:
            category = self._picked("Tickets", "ticketCategory", rule.category)
            self.tenant.category_required[int(category)] = rule.required

    def _ticket(self, given: JSON) -> None:
        row_id = given.pop("id", None)
        if isinstance(given.get("companyID"), str):
            given["companyID"] = self.reference("Companies", given["companyID"])
        try:
            values = by_value(self.tenant, ENTITIES["Tickets"], given)
        except LookupError as exc:
            raise ScenarioError(str(exc)) from exc
        now = to_wire(self.now)
        defaults: JSON = {"companyID": 0, "status": 1, "priority": 2, "creatorResourceID": self._owner()}
        defaults |= {"createDate": now, "lastActivityDate": now}
        if self.tenant.table("Tickets").get(row_id) is None:
            defaults["ticketNumber"] = self.tenant.next_ticket_number(self.now)
        if values.get("status") == COMPLETE:
            defaults["completedDate"] = now
        self.merge("Tickets", values, row_id=row_id, defaults=defaults)

    def _api_user(self, part: ApiUserPart) -> None:
        user = self.tenant.api_users.get(part.username.lower())
        if user is None:
            resource = self.reference("Resources", part.username if part.resource is None else part.resource)
            user = ApiUser(
                username=part.username,
                secret=part.secret or "",
                integration_code=part.integration_code or "",
                resource_id=resource,
            )
            self.tenant.api_users[part.username.lower()] = user
            self._associate(resource)
        for name in ("secret", "integration_code", "active"):
            if getattr(part, name) is not None:
                setattr(user, name, getattr(part, name))
        if part.locked is not None:
            user.locked, user.failed_logins = part.locked, 0
        if part.deny is not None:
            user.denied = {
                (self._entity(entity), verb) for entity, verbs in part.deny.items() for verb in verbs
            }
        if part.remove is not None:
            user.removed = set(part.remove)
        if part.companies is not None:
            user.companies = {self.reference("Companies", key) for key in part.companies} or None

    def _associate(self, resource: int) -> None:
        """Put a new API user into every line of business, unless the scenario says into which."""
        if self.tenant.table("OrganizationalResources").find("resourceID", resource):
            return
        for line in self.tenant.table("OrganizationalLevelAssociations"):
            values = {"organizationalLevelAssociationID": line["id"], "resourceID": resource}
            self.merge("OrganizationalResources", values)

    def _entity(self, name: str) -> str:
        entity = BY_LOWER_NAME.get(name.lower())
        if entity is None:
            raise ScenarioError(f"unknown entity {name!r}")
        return entity.name

    def _owner(self) -> int:
        return next(iter(self.tenant.table("Resources")), {"id": 4})["id"]

    def _picked(self, entity: str, name: str, label: Any) -> int | str:
        try:
            return self.tenant.label_to_value(entity, name, label)
        except LookupError as exc:
            raise ScenarioError(str(exc)) from exc
