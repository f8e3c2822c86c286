"""Predicted tracks compared with observed ones."""
