"""What metrics say of pairs: each metric a small module, models apart, every null with a reason."""
