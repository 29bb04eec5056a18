from biobench.text.memo import Memo


def test_a_result_is_computed_once_and_kept():
    calls = []
    memo = Memo(lambda text: calls.append(text) or len(text), entries=10)
    assert [memo["ab"], memo["ab"]] == [2, 2]
    assert calls == ["ab"]


def test_it_never_holds_more_than_its_entries_nor_long_texts():
    memo = Memo(len, entries=100, longest=6)
    for number in range(10_000):
        assert memo[str(number)] == len(str(number))
        assert len(memo) <= 100
    assert memo["1234567"] == 7
    assert "1234567" not in memo
