"""What needs torch: scorers that read token losses, embeddings and rewards out of models."""
