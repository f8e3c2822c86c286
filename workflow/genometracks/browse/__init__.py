"""What people open of a run: the page, the track hub, session files, and a server for them."""
