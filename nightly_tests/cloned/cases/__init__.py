"""One module for each repository. Each has ``CASES``: name -> a function that makes an `Example`."""
