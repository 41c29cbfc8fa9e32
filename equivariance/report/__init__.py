"""Reports: each format reads findings, none computes."""
