"""The replies of tests/data/autoif/recorded.yaml, to whatever step of AutoIF asks for them."""

import json
from pathlib import Path
from typing import Any

import yaml

from evol_core.requests import GenerateRequest, Request
from evol_core.verify.sft_row import join

FILE = Path(__file__).parents[2] / "data/autoif/recorded.yaml"

SCORES = {"Pack a coat.": 3, "They use the sun.": 8}
"""What the judge gives a response; 9 where nothing else is said."""


class RecordedReplies:
    """Answers a request by what its prompt says."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        self.constraints: dict[str, dict[str, Any]] = {one["text"]: one for one in self.data["constraints"]}

    @property
    def seeds(self) -> list[str]:
        """All constraints but the one that the model proposes."""
        return list(self.constraints)[:-1]

    @property
    def queries(self) -> list[str]:
        return list(self.data["queries"])

    def __call__(self, request: Request) -> str:
        assert isinstance(request, GenerateRequest)
        prompt = request.messages[-1].content
        if prompt.startswith("Below are rules"):
            return str(_sample(self.data["proposed"], request.sample))
        if prompt.startswith("An answer to some question"):
            return _reply(_sample(self._named_in(prompt)["checkers"], request.sample))
        if prompt.startswith("This Python function"):
            return str(self._with_a_checker_in(prompt)["description"])
        if prompt.startswith("First rule:"):
            return str(self._named_in(prompt.partition("\nSecond rule")[0])["nli"])
        if prompt.startswith("Somebody asked:"):
            answer = prompt.partition("The answer was:\n\n")[2].partition("\n\nJudge")[0]
            return f"It is of use.\nScore: {SCORES.get(answer, 9)}"
        return str(_sample(self._asked_under(prompt)["responses"], request.sample))

    def _named_in(self, prompt: str) -> dict[str, Any]:
        return next(one for text, one in self.constraints.items() if text in prompt)

    def _with_a_checker_in(self, prompt: str) -> dict[str, Any]:
        """The constraint that the shown checker was written for; sources that stand in raw replies are the first's."""
        checkers = ((reply, one) for one in self.constraints.values() for reply in one["checkers"])
        known = (one for reply, one in checkers if isinstance(reply, dict) and reply["func"] in prompt)
        return next(known, next(iter(self.constraints.values())))

    def _asked_under(self, prompt: str) -> dict[str, Any]:
        return next(
            one for text, one in self.constraints.items() for query in self.queries if join(query, text) == prompt
        )


def _sample(replies: list[Any], sample: int) -> Any:
    return replies[sample % len(replies)]


def _reply(said: Any) -> str:
    if isinstance(said, str):
        return said
    cases = [{"input": text, "output": expected} for text, expected in said["cases"]]
    return json.dumps({"func": said["func"], "cases": cases})
