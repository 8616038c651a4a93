"""Every number of nodes of every design, and the frontier."""
