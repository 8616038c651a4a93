"""What a GPU and its links do, against measured ones: kernels, whole steps on one GPU, collectives."""
