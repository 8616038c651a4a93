"""HPL, HPCG, HPL-MxP, their power, and ranks in lists."""
