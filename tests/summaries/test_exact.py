from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries.exact import ExactSum

values = st.lists(st.floats(-2, 2), min_size=1, max_size=30)


@given(values, st.randoms(), st.integers(0, 30))
def test_order_and_grouping_do_not_show(numbers, random, cut):
    shuffled = numbers.copy()
    random.shuffle(shuffled)
    whole = ExactSum.of(np.array(numbers)[:, None]).value()
    first, second = np.array(shuffled[:cut])[:, None], np.array(shuffled[cut:])[:, None]
    parts = (ExactSum.of(first) + ExactSum.of(second)).value()
    assert whole.tobytes() == parts.tobytes()


@given(values)
def test_the_sum_is_that_of_fractions_rounded_once(numbers):
    units = [round(Fraction(number) * 2**52) for number in numbers]
    wanted = float(Fraction(sum(units), 2**52))
    assert ExactSum.of(np.array(numbers)[:, None]).value().tolist() == [wanted]


def test_sums_beyond_64_bits():
    ones = ExactSum(np.array([2**26 * 10**9]), np.array([0]))  # a thousand million ones
    assert (ones + ones).value().tolist() == [2e9]
