"""The command line: one function per command, and its arguments.

Heavy imports are inside the functions that need them, so that `--help` and light stages are fast.
"""
