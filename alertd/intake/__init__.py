"""HTTP for senders: who they are, what they sent, and the answer once it is on disk."""
