"""The networks of each library that are diagnosed."""
