"""What a server survives: hostile requests (`fuzz`), faults (`chaos`), hours of work (`soak`)."""
