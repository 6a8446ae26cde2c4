"""Runs code that a model wrote, and brings back one verdict a case. Standard library only."""
