"""`genometracks explain`: which stages of a run will run again, and why."""
