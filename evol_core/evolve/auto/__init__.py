"""Self-planned evolving: what its answers say about the method that was used."""
