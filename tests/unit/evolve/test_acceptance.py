import pytest

from evol_core.evolve.acceptance import INSTRUCTION_RULES, RESPONSE_RULES, instruction_verdict, response_verdict
from evol_core.evolve.operators import OPERATORS
from evol_core.recipe import AcceptanceConfig
from evol_core.records import ACCEPTED, FinishReason, Generation, Instruction, RequestHash, Status, Verdict

PARENT = Instruction(text="Name three rivers of Europe.")


def generation(text: str, finish_reason: FinishReason = "stop") -> Generation:
    return Generation(request_hash=RequestHash("r"), text=text, finish_reason=finish_reason, engine="script")


def of_child(
    reply: str,
    *,
    parent: Instruction = PARENT,
    operator: str = "deepen",
    finish_reason: FinishReason = "stop",
    acceptance: AcceptanceConfig | None = None,
) -> Verdict:
    child = OPERATORS[operator].parse(reply, parent)
    return instruction_verdict(parent, child, generation(reply, finish_reason), acceptance or AcceptanceConfig())


def of_answer(reply: str, finish_reason: FinishReason = "stop", *, keep_truncated: bool = False) -> Verdict:
    return response_verdict(reply, generation(reply, finish_reason), keep_truncated=keep_truncated)


def rejected(reason: str) -> Verdict:
    return Verdict(status=Status.REJECTED, reason=reason)


def test_the_rules_are_asked_in_this_order() -> None:
    assert [*INSTRUCTION_RULES, *RESPONSE_RULES] == [
        "empty",
        "truncated",
        "unchanged",
        "repeats_ancestor",
        "leaked_label",
        "too_long",
        "other_language",
        "empty_response",
        "response_truncated",
        "refusal",
        "only_stop_words",
    ]


def test_a_harder_instruction_is_accepted() -> None:
    assert of_child("Name three rivers of Europe and the seas into which they flow.") == ACCEPTED


@pytest.mark.parametrize("reply", ["", " \n", "Question:", '""'])
def test_a_reply_without_text_is_empty(reply: str) -> None:
    assert of_child(reply) == rejected("empty")


def test_a_child_that_was_cut_is_truncated() -> None:
    assert of_child("Name three rivers of Europe and", finish_reason="length") == rejected("truncated")


@pytest.mark.parametrize(
    "reply",
    [
        PARENT.text,
        "name three  rivers of EUROPE",
        '"Name three rivers of Europe"!',
        "Question: Name three rivers of Europe?",
    ],
)
@pytest.mark.parametrize("operator", OPERATORS)
def test_the_parent_come_back_in_other_dress_is_unchanged(operator: str, reply: str) -> None:
    assert of_child(reply, operator=operator) == rejected("unchanged")


@pytest.mark.parametrize("reply", ["Add.\n1 and 2", "add. 1 and 2."])
@pytest.mark.parametrize("operator", OPERATORS)
def test_the_parent_with_its_input_taken_in_is_unchanged(operator: str, reply: str) -> None:
    parent = Instruction(text="Add.", input="1 and 2")

    assert of_child(reply, parent=parent, operator=operator) == rejected("unchanged")


def test_a_sign_inside_is_a_change() -> None:
    assert of_child("Work out 7-3.", parent=Instruction(text="Work out 7+3.")) == ACCEPTED


@pytest.mark.parametrize(
    "reply",
    [
        "#Given Prompt#: Name three rivers.",
        "Here it is.\n**#Rewritten Prompt#** Name four rivers.",
        "# The harder one #\nName four rivers.",
        "Rewritten prompt: Name four rivers.",
        "The given prompt asks for rivers; name four.",
        "My created prompt is to name four rivers.",
        'Here is a new question: "Name four rivers."',
        "The new task is: name four rivers.",
        "Please write one question for students: name four rivers.",
    ],
)
def test_a_label_of_the_prompt_in_the_child_is_a_leak(reply: str) -> None:
    assert of_child(reply) == rejected("leaked_label")


@pytest.mark.parametrize(
    "reply",
    [
        "Compare C# and F# for a program that names rivers.",
        "Write a post on rivers with the tags #river #europe at its end.",
        "Name three rivers of Europe, then write a new question about each.",
        "## Rivers\nName three rivers of Europe.",
    ],
)
def test_other_hashes_and_questions_are_no_leak(reply: str) -> None:
    assert of_child(reply) == ACCEPTED


def test_a_label_that_the_parent_speaks_of_is_no_leak() -> None:
    parent = Instruction(text="Say whether the given question is a polite one.")

    assert of_child("Say whether the given question is polite, and why you think so.", parent=parent) == ACCEPTED


@pytest.mark.parametrize(
    "reply", ["#Rewritten Prompt#: Say why the given question is polite.", "New question: Say why it is polite."]
)
def test_a_parent_that_speaks_of_one_label_excuses_no_other(reply: str) -> None:
    parent = Instruction(text="Say whether the given question is a polite one.")

    assert of_child(reply, parent=parent) == rejected("leaked_label")


@pytest.mark.parametrize(("n_added", "verdict"), [(5, ACCEPTED), (6, rejected("too_long"))])
def test_a_child_may_be_so_many_words_longer_and_no_more(n_added: int, verdict: Verdict) -> None:
    acceptance = AcceptanceConfig(max_added_words=5)

    assert of_child(PARENT.text + " please" * n_added, acceptance=acceptance) == verdict


def test_words_are_counted_with_the_input_so_that_a_child_may_take_it_in() -> None:
    parent, acceptance = Instruction(text="Add.", input="1 2 3 4"), AcceptanceConfig(max_added_words=2)

    assert of_child("Add 1 2 3 4 and 5.", parent=parent, operator="breadth", acceptance=acceptance) == ACCEPTED
    assert of_child("Add 1 2 3 4 and 5.", parent=parent, acceptance=acceptance) == rejected("too_long")


def test_a_script_without_blanks_is_counted_by_its_characters() -> None:
    parent, acceptance = Instruction(text="写一首诗。"), AcceptanceConfig(max_added_words=5)

    assert of_child("写一首关于春天和花园的诗。", parent=parent, acceptance=acceptance) == rejected("too_long")


FRENCH = "Écris un court poème sur la mer, avec des rimes."
GERMAN = "Schreibe ein kurzes Gedicht über das Meer und den Himmel."
ENGLISH = "Write a short poem about the sea and the summer sky."


@pytest.mark.parametrize(("parent", "child"), [(ENGLISH, FRENCH), (FRENCH, ENGLISH), (GERMAN, FRENCH)])
def test_a_child_in_another_language_is_refused(parent: str, child: str) -> None:
    assert of_child(child, parent=Instruction(text=parent)) == rejected("other_language")
    assert (
        of_child(child, parent=Instruction(text=parent), acceptance=AcceptanceConfig(same_language=False)) == ACCEPTED
    )


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        (FRENCH, "Écris un poème sur la mer et explique chaque rime."),
        ("Add 3.", "Somme: 3, 5, 9"),
        ("Translate 'Bonjour' to English.", "Translate 'Bonjour tout le monde' to English."),
        (ENGLISH, "def poem(sea): return sea * 2"),
        ("Écris.", "Explain how a tide mill turns the movement of the sea into flour."),
    ],
)
def test_the_same_language_and_doubt_refuse_nobody(parent: str, child: str) -> None:
    assert of_child(child, parent=Instruction(text=parent)) == ACCEPTED


@pytest.mark.parametrize("verdict", [of_child("", finish_reason="error"), of_answer("", "error")])
def test_an_engines_error_is_a_failure_and_no_refusal(verdict: Verdict) -> None:
    assert verdict == Verdict(status=Status.FAILED, reason="engine_error")


@pytest.mark.parametrize("reply", ["The Po, the Rhine and the Loire.", "42", "No.", "Po", "写", "x = y", "👍", "5 $"])
def test_an_answer_that_says_something_is_accepted(reply: str) -> None:
    assert of_answer(reply) == ACCEPTED


def test_an_answer_of_nothing_is_empty() -> None:
    assert of_answer("") == rejected("empty_response")


def test_a_cut_answer_is_kept_only_where_the_recipe_says_so() -> None:
    assert of_answer("The Po, the", "length") == rejected("response_truncated")
    assert of_answer("The Po, the", "length", keep_truncated=True) == ACCEPTED


@pytest.mark.parametrize(("n_words", "verdict"), [(79, rejected("refusal")), (80, ACCEPTED)])
def test_sorry_in_fewer_than_80_words_is_a_refusal(n_words: int, verdict: Verdict) -> None:
    assert of_answer("Sorry," + " river" * (n_words - 1)) == verdict


@pytest.mark.parametrize("reply", ["I am SORRY, but I cannot.", "The Po.\n\n(sorry: I know no other)"])
def test_sorry_is_one_wherever_it_stands(reply: str) -> None:
    assert of_answer(reply) == rejected("refusal")


SCRAPS = [";", "...", "\u2014", "\u3002", "```\n```", "===", "| ~ |", "<>", "$", "\u200b", "\ufeff."]


@pytest.mark.parametrize("reply", [*SCRAPS, "The, and - it is!", "\u201cWhat?\u201d", "Don't."])
def test_an_answer_of_stop_words_and_punctuation_says_nothing(reply: str) -> None:
    assert of_answer(reply) == rejected("only_stop_words")


@pytest.mark.parametrize("reply", [";", "```", "The."])
def test_no_rule_of_instructions_looks_for_words_so_a_scrap_is_left_to_the_judge_and_its_answer(reply: str) -> None:
    assert of_child(reply) == ACCEPTED
