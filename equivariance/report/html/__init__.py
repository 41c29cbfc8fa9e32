"""The report as one self-contained HTML page: each module makes one part of it from frozen findings."""
