"""What is written in the native form is read back as it was."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biobench import ProblemsFound, load_predictions
from biobench.predictions_file import write_predictions
from biobench.records import Entry, Feedback

REMARKS = st.lists(
    st.builds(
        Feedback,
        st.floats(-20, 40),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=4,
).map(tuple)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cn"]), min_size=1)


@pytest.mark.parametrize("ending", ["json", "jsonl", "ndjson"])
@given(data=st.data(), system=NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_gives_what_was_written(tmp_path, well_formed, ending, data, system):
    keys = [key for session in well_formed.sessions for key in session.segment_ids]
    some = data.draw(st.lists(st.sampled_from(keys), unique=True))
    entries = tuple(Entry(key, data.draw(REMARKS)) for key in some)
    path = tmp_path / f"preds.{ending}"
    write_predictions(path, system, entries)
    read = load_predictions(path, well_formed)
    assert (read.entries, read.system, read.time_origin, read.format) == (entries, system, "segment", "native")
    before = path.read_bytes()
    write_predictions(path, system, entries)
    assert path.read_bytes() == before


@pytest.mark.parametrize("origin", ["segment", "video", "unix"])
def test_one_entry_a_line_and_the_clock_that_was_said(tmp_path, origin):
    entries = [Entry("0001_0", (Feedback(1.5, "Knie beugen – 90°"),)), Entry("0001_1", ())]
    write_predictions(tmp_path / "preds.json", "my coach", entries, origin)
    text = (tmp_path / "preds.json").read_text(encoding="utf-8")
    assert text.splitlines()[1:] == [
        '{"segment": "0001_0", "feedbacks": [{"time": 1.5, "text": "Knie beugen – 90°"}]},',
        '{"segment": "0001_1", "feedbacks": []}',
        "]}",
    ]
    assert json.loads(text)["time"] == origin


def test_what_could_not_be_read_is_not_written_and_all_of_it_is_told(tmp_path):
    remarks = (Feedback(math.nan, "a"), Feedback(1.0, "\ud800"), Feedback(1.0, "b", math.inf))
    path = tmp_path / "preds.json"
    path.write_text("as it was")
    with pytest.raises(ProblemsFound) as found:
        write_predictions(path, "a\nb", [Entry("0001_0", remarks), Entry("0001_0", ())])
    assert len(found.value.problems) == 5
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]
