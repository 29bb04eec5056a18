"""Decoding while the video runs: the state machine word by word, many segments at once, and the cache behind them."""

import pytest
import torch
from tiny_models import ANSWER, CHANNELS, END, TOKENS, VISION, plainly_decoded, rows_of, tiny_stream, whole_logits

from biocoach_model.cache import KeyValueCache
from biocoach_model.decoding import LONGEST_REMARK, Nudge, Remark, Stream, decode
from biocoach_model.streamvlm import StreamVLM
from biocoach_model.timing import published_remarks

V, A, E = VISION, ANSWER, END
pytestmark = pytest.mark.usefixtures("one_core")


class Scripted(StreamVLM):
    """Its wishes come from a list, one each time that it is asked."""

    def scores(self, hidden):
        logits = torch.zeros(len(hidden), self.config.vocab_size)
        logits[:, self.script.pop(0)] = 50.0
        return logits


class Recorded(StreamVLM):
    """Remembers what it was asked for."""

    def scores(self, hidden):
        logits = super().scores(hidden)
        self.asked.append(logits.clone())
        return logits


def follow(script, rows=4, timing="fixed", prompt=(1, V), longest=400, before=None):
    """What becomes of a script; all of it has to be asked for."""
    model = tiny_stream(kind=Scripted, longest=longest)
    model.script = list(script)
    (done,) = decode(model, [Stream(prompt, rows_of(0, rows), before)], timing=timing)
    assert model.script == []
    return done


def said(done):
    return [(remark.row, remark.ids) for remark in done.remarks]


# --- the state machine


def test_a_remark():
    done = follow([V, A, 5, 6, E, V, V, V])
    assert done.ids == [1, V, V, A, 5, 6, E, V, V]
    assert said(done) == [(1, [5, 6])]
    assert not done.remarks[0].cut
    assert done.remarks[0].confidence > 0.999
    assert not done.truncated


def test_any_word_outside_a_remark_is_go_on():
    assert follow([5, 0, E, 7]).ids == [1, V, V, V, V]


@pytest.mark.parametrize("end", [V, A, E])
def test_inside_a_remark_every_action_token_ends_it(end):
    done = follow([A, 5, end, V, V, V, V])
    assert done.ids == [1, V, A, 5, E, V, V, V]
    assert said(done) == [(0, [5])]


def test_empty_and_back_to_back_remarks():
    done = follow([A, E, A, V, A, 7, E, V, V, A, 6, A, V, V])
    assert done.ids == [1, V, A, E, A, E, A, 7, E, V, V, A, 6, E, V]
    assert said(done) == [(0, []), (0, []), (0, [7]), (2, [6])]


def test_fixed_timing_feeds_the_last_row_and_lets_the_model_speak_there():
    done = follow([V, V, V, A, 5, E, A, 6, E, V])
    assert said(done) == [(3, [5]), (3, [6])]
    assert done.ids.count(V) == 4


def test_official_timing_ends_before_the_last_row_is_fed():
    done = follow([V, A, 5, E, V, V], timing="official")
    assert done.ids == [1, V, V, A, 5, E, V, V]
    assert said(done) == [(1, [5])]


@pytest.mark.parametrize(
    ("timing", "rows", "script"), [("official", 1, []), ("fixed", 1, [V]), ("fixed", 0, []), ("official", 0, [])]
)
def test_a_segment_of_a_row_or_none(timing, rows, script):
    done = follow(script, rows=rows, timing=timing)
    assert (done.ids, done.remarks, done.truncated) == ([1, V], [], False)


def test_a_prompt_may_see_several_rows():
    prompt = (1, V, 3, V)
    assert follow([V, V, V], prompt=prompt).ids == [*prompt, V, V]
    assert follow([], rows=2, prompt=prompt, timing="official").ids == list(prompt)


def test_fixed_timing_cuts_a_remark_that_does_not_end():
    assert LONGEST_REMARK == 128
    done = follow([A, *[5] * 129, V, V], rows=2)
    assert done.ids == [1, V, A, *[5] * 128, E, V]
    assert done.remarks[0].cut
    assert len(done.remarks[0].ids) == 128
    assert not follow([A, *[5] * 127, E, V, V], rows=2).remarks[0].cut


def test_official_timing_cuts_none():
    done = follow([A, *[5] * 200, E, V], rows=2, timing="official")
    assert said(done) == [(0, [5] * 200)]
    assert not done.remarks[0].cut


@pytest.mark.parametrize("timing", ["fixed", "official"])
def test_the_length_of_the_model_ends_everything(timing):
    done = follow([A, 5, E, *[V] * 6], rows=50, longest=10, timing=timing)
    assert done.truncated
    assert done.ids == [1, V, A, 5, E, *[V] * 6]  # the eleventh is never fed
    assert said(done) == [(0, [5])]


def test_a_remark_that_the_length_interrupts_is_none():
    done = follow([V, A, *[5] * 7], rows=50, longest=10)
    assert done.truncated
    assert done.ids == [1, V, V, A, *[5] * 7]
    assert done.remarks == []


def test_the_end_at_the_very_length_is_no_truncation():
    done = follow([*[V] * 8, V], rows=9, longest=10)
    assert (len(done.ids), done.truncated) == (10, False)


def test_what_is_read_before_a_remark_is_fed_and_stands_before_its_answer():
    asked = []

    def before(row):
        asked.append(row)
        return [2, 3, 4][: row + 1]

    done = follow([V, A, 5, E, A, 6, E, V, V, V], before=before)
    assert done.ids == [1, V, V, 2, 3, A, 5, E, 2, 3, A, 6, E, V, V]
    assert asked == [1, 1]
    assert said(done) == [(1, [5]), (1, [6])]


def test_reading_beyond_the_length_of_the_model_truncates():
    done = follow([V, A], rows=50, longest=10, before=lambda _: [2] * 20)
    assert done.truncated
    assert done.remarks == []


def test_wrong_wishes():
    model = tiny_stream()
    with pytest.raises(ValueError, match="timing 'late'"):
        decode(model, [Stream((1, V), rows_of(0, 3))], timing="late")
    with pytest.raises(ValueError, match="sees 3 rows, and there are 2"):
        decode(model, [Stream((1, V, V, V), rows_of(0, 2))])


# --- many segments at once, beside a plain loop without a cache


def crowd(seed):
    """Segments of different lengths, prompts and contexts; one nudged, one empty, one longer than the model."""
    generator = torch.Generator().manual_seed(seed)
    streams = []
    for k, rows in enumerate([12, 3, 20, 1, 12, 0, 7, 40]):
        start = torch.randint(0, 9, (1 + (k * 5) % 7,), generator=generator).tolist()
        before = (lambda row, k=k: [(row + j) % 9 for j in range((row + k) % 4)]) if k % 2 else None
        nudge = Nudge(0, torch.randn(24, generator=generator)) if k in (0, 3) else None
        streams.append(Stream((*start, V), rows_of(100 * seed + k, rows), before, nudge))
    return streams


@pytest.mark.parametrize("timing", ["fixed", "official"])
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_a_batch_says_what_a_plain_loop_says(seed, timing):
    model, streams = tiny_stream(seed, longest=44), crowd(seed)
    expected = [
        ([*s.prompt], [], False) if not len(s.rows) else plainly_decoded(model, s, timing, 1.0) for s in streams
    ]
    for batch in (1, 3, 16):
        found = decode(model, streams, timing=timing, batch=batch, answer_bias=1.0)
        assert [done.ids for done in found] == [ids for ids, _, _ in expected]
        assert [done.truncated for done in found] == [truncated for _, _, truncated in expected]
        for done, (_, remarks, _) in zip(found, expected, strict=True):
            assert said(done) == [(row, words) for row, words, _ in remarks]
            assert [r.confidence for r in done.remarks] == pytest.approx([p for _, _, p in remarks], abs=1e-4)
    assert sum(len(done.remarks) for done in found) > 5  # otherwise little was compared
    assert any(done.truncated for done in found)


def test_a_nudge_changes_what_is_said():
    model, rows = tiny_stream(1), rows_of(1, 20)
    calm, nudged = decode(model, [Stream((1, V), rows), Stream((1, V), rows, nudge=Nudge(0, torch.full((24,), 2.0)))])
    assert calm.ids != nudged.ids


def test_the_bias_makes_it_talk_and_makes_it_silent():
    model, stream = tiny_stream(4), Stream((1, V), rows_of(4, 20))
    counts = [len(decode(model, [stream], answer_bias=bias)[0].remarks) for bias in (-50.0, 0.0, 2.0)]
    assert counts[0] == 0 < counts[1] < counts[2]


def test_progress_counts_segments():
    told = []
    decode(tiny_stream(), [Stream((1, V), rows_of(k, 3)) for k in range(5)], batch=2, progress=told.append)
    assert told == [2, 4, 5]


def test_bfloat16():
    model = tiny_stream(1).to(torch.bfloat16)
    done = decode(model, crowd(1)[:4])
    assert model.dtype == torch.bfloat16
    assert all(one.ids.count(V) == len(s.rows) for one, s in zip(done, crowd(1), strict=False))


# --- the cache


@pytest.mark.parametrize("before", [None, lambda row: [row % 9, 3]])
def test_every_logit_is_that_of_reading_it_all_at_once(before):
    model = tiny_stream(4, kind=Recorded)
    model.asked = []
    rows = rows_of(5, 25)
    (done,) = decode(model, [Stream((4, 2, V), rows, before)], answer_bias=1.0)
    asked = torch.cat(model.asked)
    whole = whole_logits(model, done.ids, rows)
    read = set()
    for place, token in enumerate(done.ids):
        if token == A and before is not None:
            read |= {place - 1, place - 2}  # fed, but nobody asks what comes next
    assert read if before else not read
    # What was asked at the last token before the context is the decision, so it stays; the context's own tokens go.
    kept = [k for k in range(2, len(done.ids)) if k not in read]
    assert len(done.remarks) > 3
    torch.testing.assert_close(asked, whole[kept], atol=2e-5, rtol=1e-4)


def test_another_past_gives_other_logits():
    """So that the comparison above could fail: a wrong position, or a past that is not seen, shows."""
    model, rows = tiny_stream(3), rows_of(5, 25)
    ids = [4, 2, *[V] * 10]
    right = whole_logits(model, ids, rows)[-1]
    assert (right - whole_logits(model, [5, 2, *[V] * 10], rows)[-1]).abs().max() > 0.01
    assert (right - whole_logits(model, [4, 4, 2, *[V] * 10], rows)[-1]).abs().max() > 0.01


def test_the_memory_grows_and_keeps_what_it_holds():
    cache, pieces = KeyValueCache([0, 0]), []
    for _ in range(600):
        new = torch.randn(2, 1, 1, 4)
        pieces.append(new)
        keys, values = cache.update(new, -new, 0)
        cache.lengths = [length + 1 for length in cache.lengths]
    assert torch.equal(keys, torch.cat(pieces, 2))
    assert torch.equal(values, -keys)


def test_segments_that_are_not_equally_far():
    cache = KeyValueCache([0, 0, 0])
    prompt = torch.randn(3, 1, 5, 4)
    cache.update(prompt, prompt, 0)
    cache.lengths = [5, 2, 3]
    new = torch.randn(3, 1, 1, 4)
    keys, _ = cache.update(new, new, 0)
    assert keys.shape[2] == 6
    for k, length in enumerate(cache.lengths):
        assert torch.equal(keys[k, :, :length], prompt[k, :, :length])
        assert torch.equal(keys[k, :, length], new[k, :, 0])
    cache.lengths = [6, 3, 4]
    cache.keep([2, 0])
    assert cache.lengths == [4, 6]
    cache.row = 0
    more = torch.randn(1, 1, 2, 4)
    keys, _ = cache.update(more, more, 0)
    assert torch.equal(keys, torch.cat([prompt[2:, :, :3], new[2:], more], 2))


# --- upstream's times


def published(ids):
    return published_remarks(ids, TOKENS)


def test_the_published_times():
    """t_1 = (n_1 - 2) / 4, then n_i / 4 + (tokens + 1) / 12 more."""
    ids = [1, V, V, V, V, A, 5, 6, E, V, V, A, 7, E, A, 8, E]
    expected = [((4 - 2) / 4, [5, 6])]
    expected.append((expected[0][0] + 2 / 4 + 3 / 12, [7]))
    expected.append((expected[1][0] + 0 / 4 + 2 / 12, [8]))
    assert published(ids) == [(pytest.approx(time), words) for time, words in expected]


def test_right_after_the_prompt_is_before_the_start():
    assert published([1, V, A, 5, E]) == [(-0.25, [5])]


def test_an_empty_remark_vanishes_with_its_rows_and_so_does_the_time_to_say_the_one_before():
    assert published([1, V, V, V, A, 5, E, *[V] * 8, A, E, V, V, A, 6, E]) == [(0.25, [5]), (0.75, [6])]


def test_an_unfinished_remark_vanishes():
    assert published([1, V, V, A, 5, E, V, A, 6]) == [(0.0, [5])]
    assert published([1, V, A]) == []


def test_what_is_read_before_a_remark_is_no_part_of_it():
    assert published([1, V, V, 3, 4, A, 5, E]) == [(0.0, [5])]


def test_remarks_are_plain_values():
    assert Remark(1, [2], 0.5, cut=False) == (1, [2], 0.5, False)
    assert rows_of(0, 1).shape[-1] == CHANNELS
