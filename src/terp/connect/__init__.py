"""WHAT DOES THE REAL CENTRE SAY?

Doors to what others hold: configs of models from a hub.  Question out, text back; nothing here writes.
"""

from terp.connect.hub import MODEL_TYPES, read_config

__all__ = ["MODEL_TYPES", "read_config"]
