import subprocess
import sys

import pytest

from evol_core.evolve.language import language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Natalia sold clips to 48 of her friends in April. How many did she sell in May?", "en"),
        ("Expliquez comment un arc-en-ciel se forme dans le ciel.", "fr"),
        ("Explique a diferença entre o clima e o tempo, com dois exemplos de cada um.", "pt"),
        ("東京の観光地を三つ挙げてください。", "ja"),
        ("छात्रों के लिए सर्दियों के बारे में एक छोटी कहानी लिखिए।", "hi"),
    ],
)
def test_a_sentence_or_two_are_enough_to_be_sure(text: str, code: str) -> None:
    assert language(text) == code


@pytest.mark.parametrize("text", ["", "3 + 4", "Add 3", "x = [1, 2]", "Allyn is a golfer", "Implement quicksort in C."])
def test_nobody_is_sure_of_a_few_names_and_numbers(text: str) -> None:
    assert language(text) is None


def test_close_kin_are_one_language() -> None:
    norwegian = language("Skriv et kort dikt om havet og himmelen, og forklar hvorfor du valgte ordene.")
    danish = language("Skriv et kort digt om havet og himlen, og forklar hvorfor du valgte ordene.")

    assert norwegian == danish == "no"


def test_the_model_is_not_loaded_by_an_import() -> None:
    code = "import sys, evol_core.evolve.rounds; sys.exit('py3langid' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
