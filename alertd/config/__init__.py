"""The configuration file: the packages' own settings put together, checked, and its secrets resolved."""
