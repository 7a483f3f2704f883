"""Zabbix's media type, as imported there: what it sends is ours, and `zabbix.py` reads it."""

from __future__ import annotations

# The parameters that are sent, and the macro of each. What a macro cannot be resolved to arrives as its name.
MACROS = (
    ("schema", "alertd.zabbix/1"),
    ("source", "{EVENT.SOURCE}"),
    ("event_id", "{EVENT.ID}"),
    ("recovery_id", "{EVENT.RECOVERY.ID}"),
    ("trigger_id", "{TRIGGER.ID}"),
    ("value", "{EVENT.VALUE}"),
    ("update", "{EVENT.UPDATE.STATUS}"),
    ("update_action", "{EVENT.UPDATE.ACTION}"),
    ("update_message", "{EVENT.UPDATE.MESSAGE}"),
    ("update_user", "{USER.FULLNAME}"),
    ("ack", "{EVENT.ACK.STATUS}"),
    ("nseverity", "{EVENT.NSEVERITY}"),
    ("severity", "{EVENT.SEVERITY}"),
    ("status", "{EVENT.STATUS}"),
    ("name", "{EVENT.NAME}"),
    ("opdata", "{EVENT.OPDATA}"),
    ("host", "{HOST.HOST}"),
    ("host_name", "{HOST.NAME}"),
    ("host_ip", "{HOST.IP}"),
    ("hostgroups", "{TRIGGER.HOSTGROUP.NAME}"),
    ("date", "{EVENT.DATE}"),
    ("time", "{EVENT.TIME}"),
    ("recovery_date", "{EVENT.RECOVERY.DATE}"),
    ("recovery_time", "{EVENT.RECOVERY.TIME}"),
    ("timestamp", "{EVENT.TIMESTAMP}"),
    ("recovery_timestamp", "{EVENT.RECOVERY.TIMESTAMP}"),
    ("tags", "{EVENT.TAGSJSON}"),
    ("trigger_description", "{TRIGGER.DESCRIPTION}"),
    ("trigger_url", "{TRIGGER.URL}"),
    ("zabbix_url", "{$ZABBIX.URL}"),
)
# Duktape speaks ECMAScript 5. Zabbix tries again only after a `throw`.
SCRIPT = """\
var params = JSON.parse(value);
var fields = {};
for (var name in params) {
    if (name.indexOf('alertd_') !== 0) {
        fields[name] = params[name];
    }
}
var request = new HttpRequest();
request.addHeader('Content-Type: application/json');
request.addHeader('Authorization: Bearer ' + params.alertd_token);
var answer = request.post(params.alertd_url, JSON.stringify(fields));
var status = request.getStatus();
if (status < 200 || status > 299) {
    throw 'alertd answered ' + status + ': ' + answer;
}
return 'OK';
"""
_OPERATIONS = (
    ("TRIGGERS", "PROBLEM"),
    ("TRIGGERS", "RECOVERY"),
    ("TRIGGERS", "UPDATE"),
    ("INTERNAL", "PROBLEM"),
    ("INTERNAL", "RECOVERY"),
    ("SERVICE", "PROBLEM"),
    ("SERVICE", "RECOVERY"),
    ("SERVICE", "UPDATE"),
)


def media_type() -> str:
    """Return the YAML to import, with `{{url}}` and `{{token}}` where the source's own belong."""
    parameters = (("alertd_url", "{{url}}"), ("alertd_token", "{{token}}"), *MACROS)
    return "".join(
        [
            "zabbix_export:\n  version: '6.0'\n  media_types:\n",
            "    - name: alertd\n      type: WEBHOOK\n      parameters:\n",
            *(f"        - name: {name}\n          value: '{value}'\n" for name, value in parameters),
            "      attempts: '5'\n      attempt_interval: 30s\n      script: |\n",
            *(f"        {line}\n" for line in SCRIPT.splitlines()),
            "      description: |\n",
            "        Sends problems, recoveries and updates to alertd. The global macro {$ZABBIX.URL},\n",
            "        if it is set, makes the links in tickets.\n",
            "      message_templates:\n",
            *(_message_template(source, mode) for source, mode in _OPERATIONS),
        ]
    )


def _message_template(source: str, mode: str) -> str:
    """Zabbix sends nothing for an operation that has no template, though the text itself is not used."""
    return (
        f"        - event_source: {source}\n          operation_mode: {mode}\n"
        f"          subject: '{{EVENT.NAME}}'\n          message: '{{EVENT.NAME}}'\n"
    )
