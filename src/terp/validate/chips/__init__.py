"""Grades of kernels and collectives."""
