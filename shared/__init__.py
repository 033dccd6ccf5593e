"""What the five services have in common: the kernel, the contracts and the runtime."""
