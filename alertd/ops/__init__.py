"""What operators see and steer: health, metrics, the admin API, logs, systemd."""
