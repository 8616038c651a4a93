"""What a neural network computes: layers, products, bytes and parameters, by family."""
