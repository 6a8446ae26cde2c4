"""AutoIF: constraints, the checkers that models write for them, and responses that were checked by running those.

Source: Dong et al. 2024, "Self-play with Execution Feedback", arXiv:2406.13542.
"""
