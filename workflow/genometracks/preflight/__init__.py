"""Measurements before a run: what `auto` stands for, and what a run takes."""
