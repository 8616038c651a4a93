"""Training steps on many GPUs against published ones."""
