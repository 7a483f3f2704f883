"""An existing alertmanager.yml as tables of our configuration: read, translated, written as TOML."""
