"""What ours is compared with, in the same run, on the same server, with the same settings."""
