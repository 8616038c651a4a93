"""Grades of training steps."""
