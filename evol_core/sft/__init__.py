"""A published version becomes a checkpoint: rows to samples, samples in a known order, a trainer on DeepSpeed.

Only `trainer`, `cpu` and `merge` import an engine; the rest is plain Python, and a stage's process stays light.
"""
