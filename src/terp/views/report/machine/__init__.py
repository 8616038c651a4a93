"""The page of a machine: what it is, drawn and counted."""
