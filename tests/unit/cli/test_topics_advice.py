"""`topics check` advises what settles the differences that it found, and nothing else."""

import pytest

from streams.cli.topics import advice
from streams.engine.topic_admin import Difference

_MISSING = Difference(topic="a", setting="topic", declared="4 partitions", found=None)
_SETTING = Difference(topic="b", setting="retention.ms", declared="1", found="2")
_PARTITIONS = Difference(topic="c", setting="partitions", declared="6", found="4")
_LEADERS = Difference(topic="d", setting="leaders", declared="4", found="3")


@pytest.mark.parametrize(
    ("differences", "begins", "applying", "partitions", "leaders"),
    [
        ([_MISSING], "1 difference. ", True, False, False),
        ([_SETTING, _MISSING], "2 differences. ", True, False, False),
        ([_PARTITIONS], "1 difference. ", False, True, False),
        ([_LEADERS], "1 difference. ", False, False, True),
        ([_MISSING, _PARTITIONS, _LEADERS], "3 differences. ", True, True, True),
    ],
)
def test_each_kind_of_difference_has_its_own_advice(
    differences: list[Difference], begins: str, applying: bool, partitions: bool, leaders: bool
) -> None:
    text = advice(differences)
    assert text.startswith(begins)
    assert ("topics apply" in text) == applying
    assert ("c has 4 partitions, 6 are declared. Set IMPACT_TOPIC_PARTITIONS" in text) == partitions
    assert ("without a leader" in text) == leaders
