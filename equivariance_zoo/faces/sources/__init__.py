"""Where faces come from: each module reads one source, behind `faces.Source`."""
