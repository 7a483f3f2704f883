"""What every sender's format is read with: bodies, trees, paths, times, redaction, events."""
