"""Machines that could be bought: frames, halls, designs, and their files."""
