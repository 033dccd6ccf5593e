"""What Carelog promises, said so that a machine can check it: from single decisions to five services under fire."""
