"""What GPUs, nodes, machines and halls draw.

Level means the power of a node's electronics, without fans [W]; at the wall its fans are added (`node_levels`), and at the
meter cooling and losses of the hall (`facility`).
"""
