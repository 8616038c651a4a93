"""Pages of many years: what changed between cases, and the points of a sweep with their bands."""
