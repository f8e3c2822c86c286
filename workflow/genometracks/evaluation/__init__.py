"""Predicted tracks compared with observed ones and with annotated sites."""
