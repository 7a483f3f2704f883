"""What senders send, read into alerts: one module per format, all pure and bounded."""
