"""Taking away what runs have made: at their end, and after they were killed."""
