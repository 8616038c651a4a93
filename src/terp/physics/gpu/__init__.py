"""What one GPU does: kernels, clocks under a power cap, large FP64 products."""
