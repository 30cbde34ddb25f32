"""Who should answer: dialects, skills and the matcher. Pure decisions in a thin live shell."""
