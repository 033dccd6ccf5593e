"""What docker-compose.yml needs besides the image: passwords and keys that nobody typed, and the engines' accounts."""
