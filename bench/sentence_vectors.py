"""Vectors of real short texts, for `bench.diversity`: made once, since a model needs most of an hour for 50,000.

    .venv-jobs/bin/python -m bench.sentence_vectors MODEL_FOLDER FILE... --output V.npy [--rows 50000] [--at-most N]

The texts are the sentences of a file's instructions and answers, each once, in an order drawn with a fixed seed, so
that neighbours in the file are none in the set. What is there already is kept: `--at-most` makes so many more and
ends, and the same command goes on from there. Rows that are still to be made are 0.
"""

import argparse
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from evol_core.score.models.embeddings import Embedder
from evol_core.store.plain_rows import INSTRUCTIONS, RESPONSES, read_rows

ROWS_A_TURN = 512

END_OF_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")


def sentences(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        for row in read_rows(path).values:
            for name in INSTRUCTIONS + RESPONSES:
                yield from filter(None, map(str.strip, END_OF_SENTENCE.split(row.get(name) or "")))


def drawn(texts: Iterable[str], n_rows: int) -> Sequence[str]:
    """Each text once, in an order of its own, so many at most."""
    once = sorted(set(texts))
    random.Random(0).shuffle(once)
    return once[:n_rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--at-most", type=int, default=sys.maxsize)
    options = parser.parse_args()
    texts = drawn(sentences(options.files), options.rows)
    embedder = Embedder(options.model, device="cpu")
    if options.output.exists():
        vectors = open_memmap(options.output, mode="r+")
    else:
        shape = len(texts), embedder.embed(["one"]).shape[1]
        vectors = open_memmap(options.output, mode="w+", dtype=np.float32, shape=shape)
    made = int((vectors[:, 0] != 0).sum())
    for first in range(made, min(len(texts), made + options.at_most), ROWS_A_TURN):
        turn = texts[first : min(first + ROWS_A_TURN, made + options.at_most)]
        vectors[first : first + len(turn)] = embedder.embed(turn).numpy()
        vectors.flush()
    print(f"{int((vectors[:, 0] != 0).sum()):,} of {len(texts):,} texts have a vector, for example {texts[:2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
