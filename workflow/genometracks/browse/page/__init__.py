"""The page of a run or a sheet, and the server that shows it."""
