"""Records over HTTP, with a real log."""
