"""Read a stream as its consumers do, and watch each user's order."""
