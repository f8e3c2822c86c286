"""The command line: one function a command, with arguments of its own.

Heavy imports wait until a command needs them, so that `--help` and the light stages are quick.
"""
