"""Who is calling: zone lookup, the three headers, lock-out, and the rights that come of it."""

from __future__ import annotations

from alertd.simulator.faults import Faults, Target
from alertd.simulator.rights import Rights
from alertd.simulator.schema import BY_LOWER_NAME
from alertd.simulator.service import World
from alertd.simulator.switches import Switches
from alertd.simulator.tenant import ApiUser, Tenant
from alertd.simulator.wire import ApiError, SimReply, SimRequest, errors, ok, text

DEFAULT_ZONE_PATH = "/ATServicesRest/"


def zone_path(faults: Faults, now: float) -> str:
    """Return the path of the zone's base URL; a moved zone has another one."""
    moved = faults.standing("moved_zone", now)
    return (moved[-1].zone_path or "/zone2/ATServicesRest/") if moved else DEFAULT_ZONE_PATH


def zone_information(tenant: Tenant, switches: Switches, request: SimRequest, path: str) -> SimReply:
    """Return the zone of the user named in the query; no credentials are needed."""
    user = next((value for key, value in request.query.items() if key.lower() == "user"), "")
    if user.lower() not in tenant.api_users:
        return errors("Zone information could not be determined")
    return ok(
        {
            "zoneName": switches.zone_name,
            "url": f"{request.origin}{path}",
            "webUrl": switches.web_url or f"{request.origin}/web/",
            "ci": switches.customer_number,
        }
    )


def authenticate(
    tenant: Tenant, switches: Switches, request: SimRequest, *, secret_refused: bool, locked: bool
) -> ApiUser:
    """Return the API user of the request.

    Raises:
        ApiError: 500 for an unknown user or tracking identifier, 401 for a wrong secret or a locked user.
    """
    user = tenant.api_users.get(request.headers.get("username", "").lower())
    if user is None:
        raise ApiError(errors("The user name supplied is not a valid API user."))
    if user.locked or locked:
        raise ApiError(text(switches.locked_status, switches.unauthorized_body))
    if secret_refused or request.headers.get("secret") != user.secret:
        _count_failure(user, switches)
        raise unauthorized(switches)
    user.failed_logins = 0
    if not user.active:
        raise ApiError(text(switches.inactive_user_status, switches.unauthorized_body))
    if request.headers.get("apiintegrationcode") != user.integration_code:
        raise ApiError(errors("The ApiIntegrationCode (tracking identifier) is missing or invalid."))
    return user


def unauthorized(switches: Switches) -> ApiError:
    """Return the opaque 401."""
    return ApiError(text(401, switches.unauthorized_body))


def _count_failure(user: ApiUser, switches: Switches) -> None:
    user.failed_logins += 1
    if switches.lockout_after and user.failed_logins >= switches.lockout_after:
        user.locked = True


def rights_of(world: World, user: ApiUser, target: Target, now: float) -> Rights:
    """Return the user's rights less what faults have trimmed."""
    denied, removed, companies = set(user.denied), set(user.removed), user.companies
    for fault in world.faults.standing("rights", now):
        if fault.user not in ("", target.user):
            continue
        entity = BY_LOWER_NAME.get(fault.entity.lower())
        denied |= {(entity.name, verb) for verb in fault.deny} if entity else set()
        removed |= set(fault.remove)
        companies = companies if fault.companies is None else set(fault.companies)
    seen = None if companies is None else frozenset(companies)
    return Rights(
        denied=frozenset(denied),
        removed=frozenset(removed),
        companies=seen,
        lines=frozenset() if "lines_of_business" in removed else _lines_of(world.tenant, user),
        own=frozenset(world.switches.removal_leaves_own),
        resource_id=user.resource_id,
    )


def require_web_services(rights: Rights, switches: Switches) -> None:
    """Refuse a user whose security level lacks "Can login to Web Services API".

    Raises:
        ApiError: It does.
    """
    if rights.has("web_services"):
        return
    if switches.web_services_status == 500:
        raise ApiError(errors(switches.web_services_text))
    raise ApiError(text(switches.web_services_status, switches.unauthorized_body))


def _lines_of(tenant: Tenant, user: ApiUser) -> frozenset[int] | None:
    """Return the lines of business of a user, or None if it has all that are active."""
    rows = tenant.table("OrganizationalResources").find("resourceID", user.resource_id)
    own = frozenset(row["organizationalLevelAssociationID"] for row in rows)
    active = (row["id"] for row in tenant.table("OrganizationalLevelAssociations") if row["isActive"])
    return None if own.issuperset(active) else own
