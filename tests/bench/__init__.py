"""`make bench`: what Carelog costs and how fast it is, measured on the machine at hand. Never a test that can fail."""
