"""What all engines share: codes, the options that kernels are compiled with, the heap of ends, and checkpoints."""
