"""Pages of predictions: a training step with its run, a search for splits, a benchmark."""
