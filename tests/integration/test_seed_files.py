from itertools import islice
from pathlib import Path

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.recipe import SeedSource
from evol_core.seed import read_seeds

GSM8K = PROJECT_ROOT.parent / "shared/data/gsm8k_train.jsonl"
SELF_INSTRUCT = PROJECT_ROOT.parent / "shared/data/self_instruct_seed_tasks.jsonl"


@pytest.mark.parametrize(("path", "n_seeds"), [(GSM8K, 7473), (SELF_INSTRUCT, 175)], ids=["gsm8k", "self_instruct"])
def test_real_files_of_the_field_are_read_whole(path: Path, n_seeds: int) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")

    with read_seeds([SeedSource(path=str(path))]) as batch:
        assert (batch.n_seeds, batch.n_refused) == (n_seeds, 0)
        assert all(seed.output for seed in islice(batch.seeds(), 100))
