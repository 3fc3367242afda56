"""A choice says who is believed, and travels in the token of an answer."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.basis import Basis
from timeline.choice import ATTRIBUTES, MODALITIES, Choice
from timeline.errors import Refused

NAMES = st.text(min_size=1).filter(lambda text: text.isprintable())
CONDITIONS = st.one_of(
    st.tuples(st.sampled_from([name for name in ATTRIBUTES if name != "modality"]), NAMES),
    st.tuples(st.just("modality"), st.sampled_from(MODALITIES)),
).map(":".join)


@given(only=st.lists(CONDITIONS), without=st.lists(CONDITIONS))
def test_a_choice_is_read_back_from_its_token(only: list[str], without: list[str]) -> None:
    """Whatever the names hold (slashes, commas, spaces), the token is one word and means the same."""
    choice = Choice.of(only, without)
    basis = Basis(
        timeline="main",
        on=date(2024, 6, 1),
        known=datetime(2024, 6, 1, tzinfo=UTC),
        recorded=7,
        link="0123456789abcdef",
        view="deliveries",
        version=1,
        choice=choice,
    )
    assert Basis.parse(basis.token) == basis
    assert not set(basis.token) & set(" \t\n?&;*|'\"$()<>")
    assert basis.token.isascii()


def test_the_order_of_conditions_makes_no_other_token() -> None:
    """One choice has one token, however it was typed."""
    typed = ["publisher:A", "publisher:B", "publisher:A"]
    assert Choice.of(typed).text == Choice.of(reversed(typed)).text == "only=publisher:A,only=publisher:B"


@pytest.mark.parametrize("tampered", ["only=publisher", "only=size:big", "with=publisher:A", "without=publisher:A,"])
def test_a_tampered_choice_is_no_token(tampered: str) -> None:
    """What no answer has printed is refused, and not read as something near to it."""
    token = f"tl1/main/7-0123456789abcdef/2024-06-01/2024-06-01T00:00:00Z/{tampered}"
    with pytest.raises(Refused, match="is not a basis"):
        Basis.parse(token)


@pytest.mark.parametrize(
    "given_text, message, remedy",
    [
        ("Reuters", "'Reuters' is not a condition", "Write --only ATTRIBUTE:VALUE, as --only publisher:Reuters"),
        ("publisher:", "'publisher:' is not a condition", "Write --only ATTRIBUTE:VALUE, as --only publisher:Reuters"),
        (
            "speaker:\udcff",
            "'\\udcff' is no name: it holds U+0000 or half of a surrogate pair",
            "Write the name as answers print it",
        ),
        ("publishr:A", "events are not chosen by 'publishr'", "Did you mean publisher?"),
        ("size:A", "events are not chosen by 'size'", "There are: publisher, document, speaker, modality"),
        (
            "modality:sure",
            "there is no modality 'sure'",
            "There are: asserted, reported, expected, denied, opinion",
        ),
    ],
)
def test_what_is_no_condition_is_refused(given_text: str, message: str, remedy: str) -> None:
    """The refusal names the flag and says how to write it."""
    with pytest.raises(Refused) as refused:
        Choice.of(only=[given_text])
    assert (refused.value.message, refused.value.remedy, refused.value.place.field) == (message, remedy, "--only")
