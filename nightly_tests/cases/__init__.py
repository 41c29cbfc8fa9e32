"""What is diagnosed of each library."""
