"""The page of a validation: how far each model is off, and by what."""
