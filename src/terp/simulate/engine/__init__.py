"""The compiled engines, and the ways into them."""
