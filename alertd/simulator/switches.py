"""The facts that autotask-api.md marks [C] or [?], each with the default the simulator assumes."""

from __future__ import annotations

from typing import Literal

import msgspec


class Switches(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settable by `[switches]` in a scenario and by `POST /__sim/tenant`. docs/simulator.md lists them."""

    zone_name: str = "Simulated Zone"
    customer_number: int = 30595
    web_url: str = ""
    path_case_sensitive: bool = False
    wrong_zone: Literal["401", "empty"] = "401"
    url_limit: int = 2048

    unauthorized_body: str = ""
    locked_status: int = 401
    lockout_after: int = 10
    inactive_user_status: Literal[401, 403] = 401
    malformed_json_status: int = 400
    permission_status: Literal[500, 403] = 500
    query_without_right: Literal["empty", "error"] = "empty"
    web_services_status: Literal[401, 403, 500] = 401
    web_services_text: str = "The logged in Resource does not have access to the Web Services API."
    removal_leaves_own: list[Literal["tickets_view", "tickets_edit", "crm_customers"]] = []
    hidden_cost: Literal["null", "zero"] = "null"
    missing_item: Literal["null", "404"] = "null"
    absent_entities: list[str] = []
    absent_fields: dict[str, list[str]] = {}
    access_as_numbers: bool = False
    collection_patch: Literal["works", "404", "405"] = "works"
    instant_digits: Literal["three", "fewest"] = "three"
    soap_parent_property: bool = False

    threshold: int = 10_000
    threshold_status: int = 429
    threshold_text: str = (
        "The request threshold of {threshold} requests per {minutes} minutes has been exceeded "
        "for this database."
    )
    threshold_retry_after: int = 0
    threshold_covers_threshold_information: bool = True
    count_refused: bool = False
    latency_scale: float = 0.0
    thread_limit: int = 3
    thread_status: int = 429
    thread_retry_after: int = 0
    thread_excess: Literal["refuse", "delay"] = "refuse"
    thread_delay_s: float = 1.0
    slot_release_s: float = 0.0

    strings_ignore_case: bool = True
    filter_takes_truth_as_text: bool = True
    empty_filter: Literal["all", "refuse"] = "all"
    noteq_matches_null: bool = False
    page_positions_kept: int = 50
    search_lag_s: float = 0.0

    read_only_fields: Literal["ignore", "reject"] = "ignore"
    newlines: Literal["keep", "crlf"] = "keep"
    invalid_picklist_text: str = "Value does not exist for picklist: {field}. The value {value} is invalid."
    length_text: str = "{field} must be less than or equal to {length} characters"
    duplicate_text: str = "A {entity} already exists with {field} [{value}]. {entity}.{field} must be unique."
    duplicate_association_text: str = "The Tag [{tag}] is already associated with the Ticket [{ticket}]."
    tag_labels_ignore_case: bool = True
    tag_labels_cover_inactive: bool = True
    tag_limit: int = 25_000
    tags_per_ticket: int = 30
    tag_delete_access_reflects_right: bool = True
    tag_delete_needs_tag_administration: bool = False
    tag_moves_activity: bool = True

    attachment_bytes: int = 7_000_000
    attachment_size_text: str = "The attachment exceeds the maximum size of {limit} bytes."
    attachment_bytes_in_5_min: int = 10_000_000
    attachment_limit_text: str = (
        "The attachment limit of {limit} bytes per 5 minutes has been exceeded. Try again in 5 minutes."
    )

    complete_status_text: str = (
        "The logged in Resource does not have permission to edit the status of a Complete ticket."
    )
    complete_other_fields_editable: bool = True
    queue_without_resource_blocks_create: bool = False
    note_title_required: bool = True
    system_note_types_creatable: bool = False
    company_postal_code_required: bool = False
    company_bill_to_required: bool = False
    default_contract_applied: bool = False
    duplicate_answers_existing_id: bool = True

    dates_without_zone: bool = False
    posted_periods: Literal["refuse", "bill", "bill_and_split"] = "refuse"
    posted_period_text: str = (
        "Unable to make changes as it would result in the deletion/modification of an already approved and "
        "posted contract period."
    )
    negative_units_text: str = "The adjustment would result in {units} units. Units cannot be negative."
    zero_units_allowed: bool = True
    adjustment_dates_text: str = "effectiveDate must be within the Contract's startDate and endDate."
    zero_change_text: str = "unitChange must not be 0."
    price_only_adjustments: bool = True
    inactive_contracts_adjustable: bool = True
    inactive_contract_text: str = "The Contract must be active."
    not_recurring_text: str = "The Contract must be of type Recurring Service."
    repeated_service_text: str = "The service or bundle is already associated with the Contract."
    service_price_patch: Literal["unposted", "ignored"] = "unposted"
    units_of_new_line: int = 0
    split_rows_prorated: bool = True
    adjustments_leave_notes: bool = False

    webhooks_per_level: int = 50
    webhook_duplicate: Literal["url", "url_and_events"] = "url"
    webhook_duplicate_text: str = "A {entity} already exists with webhookUrl [{url}]. It must be unique."
    callouts_to_loopback_http: bool = False
    callout_delay_s: float = 0.0
    callout_timeout_s: float = 10.0
    callout_retry_s: float = 30.0
    callout_attempts: int = 5
    callouts_disabled_after: int = 25
    callout_failures_count: Literal["callouts", "attempts"] = "callouts"
    callout_signature: Literal["escaped", "raw"] = "escaped"
    callout_guid: Literal["webhook", "event"] = "webhook"
    callout_references: Literal["names", "ids"] = "names"
