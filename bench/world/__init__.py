"""The world of `tieline bench routing`: who calls, who works, and what happens between them in simulated time."""
