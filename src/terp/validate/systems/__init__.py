"""Whole machines against what is published of them: HPL and its kin, power over time, prices, fleets, the controller."""
