"""Published versions as other tools know them: SQL over Parquet, cards, lineage events, an Iceberg mirror.

Everything here is derived: it can be made again from objects and lineage, and nothing in Evol reads it.
"""
