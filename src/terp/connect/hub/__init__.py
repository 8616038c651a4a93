"""Configurations of models from a hub."""
