"""All that is known of an optional library, one library in one module; loaded when an object of it is seen."""
