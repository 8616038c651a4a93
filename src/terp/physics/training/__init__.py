"""A training step: products, layers, pipeline, memory, strategy, software, checkpoints."""
