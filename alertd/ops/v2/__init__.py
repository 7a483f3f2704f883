"""Alertmanager's API v2 on the admin listener, for amtool, karma, Grafana and whatever else speaks it."""
