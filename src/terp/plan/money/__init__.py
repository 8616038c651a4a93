"""Who pays what, when."""
