"""Pairwise verdicts: which of two answers to one query is better, asked in both orders (methods 6)."""
