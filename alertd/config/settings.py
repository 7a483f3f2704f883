"""The whole configuration: one field for every table of the file, each of its own package's type."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alertd.autotask.settings import AutotaskSettings
from alertd.core.boards import BoardSettings
from alertd.core.digest_settings import DigestSettings
from alertd.core.inhibit_settings import InhibitSettings
from alertd.core.interval_settings import NamedIntervalSettings
from alertd.core.route_settings import RootRouteSettings
from alertd.core.route_tests import TestSettings
from alertd.core.settings import Section
from alertd.core.shadowing import Mode
from alertd.core.silence_settings import SilenceSettings
from alertd.core.sources.kinds import SourceSettings
from alertd.core.storm_settings import StormSettings
from alertd.core.window_settings import WindowSettings
from alertd.flows.settings import SyncSettings
from alertd.intake.settings import ServerSettings
from alertd.ops.settings import AdminSettings
from alertd.store.settings import StoreSettings

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"


class Settings(Section):
    """A configuration that has been checked as far as that is possible without Autotask."""

    instance: Annotated[str, Field(pattern=NAME)] = "alertd"  # part of every reference in the tenant
    mode: Mode = "live"  # shadow: everything is planned, and nothing is written to Autotask
    server: ServerSettings = Field(default_factory=ServerSettings)
    admin: AdminSettings = Field(default_factory=AdminSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    autotask: AutotaskSettings
    sync: SyncSettings = Field(default_factory=SyncSettings)
    sources: list[SourceSettings] = Field(default_factory=list)
    boards: Annotated[list[BoardSettings], Field(min_length=1)]
    route: RootRouteSettings
    digest: DigestSettings | None = None
    inhibit: list[InhibitSettings] = Field(default_factory=list)
    time_intervals: list[NamedIntervalSettings] = Field(default_factory=list)
    windows: list[WindowSettings] = Field(default_factory=list)
    silences: SilenceSettings = Field(default_factory=SilenceSettings)
    storm: StormSettings = Field(default_factory=StormSettings)
    tests: list[TestSettings] = Field(default_factory=list)
