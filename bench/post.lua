-- One Alertmanager alert a request; the host cycles through 200, so that most requests are repeats.
local body = [[{"version":"4","receiver":"alertd","status":"firing","truncatedAlerts":0,"alerts":[{"status":"firing","labels":{"alertname":"DiskFull","instance":"srv%d:9100","customer":"Acme Dental Group","severity":"warning","job":"node"},"annotations":{"summary":"Disk D: is 96 %% full"},"startsAt":"2026-11-23T03:00:00.000Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.net/graph?g0.expr=disk"}],"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am.example.net","groupKey":"{}"}]]
local n = 0
function request()
  n = n + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json", ["Authorization"] = os.getenv("BENCH_AUTH")}, string.format(body, n % 200))
end
