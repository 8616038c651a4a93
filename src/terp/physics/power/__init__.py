"""What GPUs, nodes, machines and halls draw."""
