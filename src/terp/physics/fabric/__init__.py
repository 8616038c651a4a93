"""What GPUs exchange, and how long it takes."""
