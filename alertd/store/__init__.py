"""Journal and state on disk: what was accepted, what was decided, what Autotask last confirmed."""
