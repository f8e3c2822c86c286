"""Finished runs read back: tables of regions, in Python and for the command line."""
