"""Exit codes: what went wrong, for scripts and for systemd.

The exceptions are found by name, since importing them would import half of alertd at every `--help`.
"""

from __future__ import annotations

FINDING = 1
USAGE = 2
DAMAGED = 65
UNREACHABLE = 69
UNWRITABLE = 74
IN_USE = 75
SECRET = 78

CODES = {
    "alertd.app.company_maps.MapRefused": FINDING,
    "alertd.app.replaying.TooLongAgo": USAGE,
    "alertd.app.shadowing.ModeRefused": USAGE,
    "alertd.config.faults.ConfigError": USAGE,
    "alertd.config.secrets.SecretMissing": SECRET,
    "alertd.cli.admin_api.NoAdminToken": USAGE,
    "alertd.cli.admin_api.NotRunning": FINDING,
    "alertd.cli.admin_api.Refused": FINDING,
    "alertd.flows.beginning.OtherTenant": SECRET,
    "alertd.flows.errors.AuthRefused": FINDING,
    "alertd.flows.errors.CannotListen": FINDING,
    "alertd.flows.errors.Rejected": FINDING,
    "alertd.flows.errors.PortError": UNREACHABLE,
    "alertd.flows.errors.StoreFailed": UNWRITABLE,
    "alertd.simulator.scenario.ScenarioError": USAGE,
    "alertd.store.errors.DataDamaged": DAMAGED,
    "alertd.store.errors.SchemaTooNew": USAGE,
    "alertd.store.errors.SchemaTooOld": USAGE,
    "alertd.store.errors.StoreInUse": IN_USE,
    "alertd.store.errors.StoreUnsuitable": USAGE,
}


def exit_code(error: BaseException) -> int | None:
    """Return the code for an error that a user can cause; None: it is a defect of alertd.

    Of several errors together, the highest code: what a restart would not mend.
    """
    if isinstance(error, BaseExceptionGroup):
        codes = [exit_code(each) for each in error.exceptions]
        return None if None in codes else max(code for code in codes if code is not None)
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__]
    return next((CODES[name] for name in names if name in CODES), None)


def told(error: Exception) -> str:
    """Return what to print on standard error: the error, and what to do next."""
    if isinstance(error, ExceptionGroup):
        return "\n".join(dict.fromkeys(told(each) for each in error.exceptions))
    faults = getattr(error, "faults", None)
    if faults is not None:  # lines that editors can jump to, so nothing may stand before them
        return f"{error}\nalertd: refused for {len(faults)} fault{'' if len(faults) == 1 else 's'}"
    return f"alertd: {error}{_NEXT.get(exit_code(error) or FINDING, '')}"


_NEXT = {
    UNREACHABLE: "; check [autotask] zone_url and the network, then try again",
    UNWRITABLE: "; make room on the disk of [store] url, or look after its health",
    DAMAGED: "; restore a backup",
}
