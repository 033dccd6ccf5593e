"""What all five services promise, checked by one suite over their five records."""
