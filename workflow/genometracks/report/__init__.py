"""The report of a run, and the report that compares the runs of a sheet: HTML files, offline."""
