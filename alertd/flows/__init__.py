"""The loops, and the ports they need, in their own words."""
