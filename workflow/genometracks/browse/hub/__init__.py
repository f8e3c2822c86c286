"""The track hub: its files for UCSC, and session files for JBrowse 2 and IGV beside them."""
