"""The Autotask REST API: zone, credential, pacing, queries, metadata, and the service desk made of them."""
