"""Tables from files: any column names, bad rows named by line, and nothing dropped without a word."""

import pytest

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.reading import read

GOOD = "params,tokens,loss\n1e7,1e9,3.5\n"


def table(tmp_path, text, name="losses.csv", **columns):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(tmp_path / name, columns)


BAD = {
    "1e7,1e9,nan": "loss nan is not positive and finite",
    "1e7,1e9,inf": "loss inf is not positive and finite",
    "0,1e9,3": "params 0 is not positive and finite",
    "1e7,-5,3": "tokens -5 is not positive and finite",
    "seven,1e9,3": "params 'seven' is no number",
    "1e7,,3": "tokens '' is no number",
    "1e7,1e9": "2 fields for 3 columns",
    "1e7,1e9,3,4": "4 fields for 3 columns",
    "1e7,1e99,3": "tokens 1e99 is not between 1e-30 and 1e+30",
}


@pytest.mark.parametrize("row", BAD)
def test_a_bad_row_is_named_by_its_line(tmp_path, row):
    found = table(tmp_path, f"{GOOD}{row}\n1e8,1e9,3.2\n")
    assert dict(found.bad) == {3: BAD[row]}
    assert found.line_N == (2, 4) and found.table.loss_N.tolist() == [3.5, 3.2]


def test_lines_are_those_of_the_file_with_blank_ones_and_quotes(tmp_path):
    found = table(tmp_path, 'params,tokens,loss,note\n\n1e7,1e9,3,"two\nlines"\n1e7,1e9,x,\n')
    assert found.line_N == (4,) and list(found.bad) == [5]


def test_columns_may_have_any_names_and_others_are_passed_over(tmp_path):
    found = table(
        tmp_path, "run,N,D,L,C,who\n1,10,20,3,1200,me\n", params="N", tokens="D", loss="L", flops="C", group="who"
    )
    assert found.table.flops_N.tolist() == [1200.0] and found.table.told_flops
    assert not table(tmp_path, GOOD).table.told_flops


def test_rows_of_a_group_belong_together(tmp_path):
    text = "params,tokens,loss,run\n1,1,3,a\n2,1,3,b\n3,1,3,a\n"
    assert table(tmp_path, text, group="run").table.group_N.tolist() == [0, 1, 0]
    assert table(tmp_path, text).table.group_N.tolist() == [0, 1, 2]


def test_tabs_and_a_mark_of_bytes_are_read(tmp_path):
    assert table(tmp_path, GOOD.replace(",", "\t"), "losses.tsv").line_N == (2,)
    assert table(tmp_path, b"\xef\xbb\xbf" + GOOD.encode()).line_N == (2,)


WRONG = {
    "no column": ("params,tokens,val_loss\n1,1,1\n", "has no column 'loss' for loss; did you mean val_loss"),
    "empty": ("", "it is empty"),
    "no row": ("params,tokens,loss\n", "no row is sound"),
    "no sound row": ("params,tokens,loss\n1,1,x\n", "no row is sound .loss 'x' is no number."),
    "twice": ("params,tokens,loss,loss\n1,1,1,1\n", "'loss' stands there twice"),
    "no text": (b"\xff\xfe\x00\x01", "it is no table of comma-separated values"),
    "a quote": ('params,tokens,loss\n1,1,"3\n', "it is no table of comma-separated values"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_table_is_refused(tmp_path, name):
    text, told = WRONG[name]
    with pytest.raises((ValueError, NoInformation), match=told):
        table(tmp_path, text)
    with pytest.raises(ValueError, match="there is no such file"):
        read(tmp_path / "none.csv", {})
