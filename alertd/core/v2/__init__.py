"""What Alertmanager's API v2 shows of our state: pure projections, in its words and shapes."""
