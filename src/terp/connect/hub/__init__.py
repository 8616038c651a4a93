"""Configurations of models from a hub: `config_json` reads the text, `shape_keys` knows what the keys of each
family mean, and `transformers` makes the record of a model file.
"""
