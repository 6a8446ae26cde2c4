"""What a case's output means, and what it means where normalising is off."""

import pytest

from evol_core.verify.expectations import Expected, expected_of


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (True, True),
        ("True", True),
        ("true", True),
        (1, True),
        (False, False),
        ("False", False),
        ("false", False),
        (0, False),
    ],
)
def test_the_ways_models_write_true_and_false(output: object, expected: bool) -> None:
    assert expected_of(output) is expected


@pytest.mark.parametrize("output", ["maybe", "TRUE", "", " true", None, 2, -1, 1.0, 0.0, [], {}, [True], {"a": 1}])
@pytest.mark.parametrize("strict", [False, True])
def test_anything_else_says_neither(output: object, strict: bool) -> None:
    assert expected_of(output, strict=strict) is None


@pytest.mark.parametrize(("output", "expected"), [(True, True), (False, False), ("True", "True"), (1, "1"), (0, "0")])
def test_strict_leaves_what_is_no_boolean_as_it_is(output: object, expected: Expected) -> None:
    assert expected_of(output, strict=True) == expected
    assert isinstance(expected_of(output, strict=True), type(expected))
