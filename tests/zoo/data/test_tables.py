import pytest

from zoo.data.tables import Table, slashed


def test_rows_have_their_lines_and_what_is_too_much(text):
    table = Table(text("list.csv", 'File, Label\na,"b\nc"\n\nd\ne,f,g,\n'))
    assert table.columns == ["file", "label"]
    assert list(table.rows()) == [
        (3, {"file": "a", "label": "b\nc", None: []}),
        (5, {"file": "d", "label": "", None: []}),
        (6, {"file": "e", "label": "f", None: ["g", ""]}),
    ]


@pytest.mark.parametrize(
    ("header", "separator"),
    [
        ("file,label", ","),
        ("file;label", ";"),
        ("file\tlabel", "\t"),
        ("file", ","),
        ('"what, exactly";label;split', ";"),
        ("sep=|\nfile|label", "|"),
    ],
)
def test_separator_is_what_the_first_line_has_most_of(text, header, separator):
    assert Table(text("list.csv", f"{header}\n")).separator == separator


def test_lines_are_counted_from_the_first(text):
    table = Table(text("list.csv", "sep=;\nfile;label\na;b\n"))
    assert list(table.rows()) == [(3, {"file": "a", "label": "b", None: []})]


def test_a_row_says_what_it_lacks(text):
    table = Table(text("list.csv", "file\tlabel\na\tb\tc\nd\t\n"))
    (first, much), (second, little) = table.rows()
    assert table.row_fault(first, much, file="a") == (
        "line 2 has more cells than the header; put cells with tabs in quotes"
    )
    assert table.row_fault(second, little, file="d", label="") == "line 3 names no label"
    assert table.row_fault(second, little, file="d") is None


@pytest.mark.parametrize("content", ["", "\n", "sep=,\n", "sep=,", ";;;\n", '"", ""\n'])
def test_a_table_without_columns_is_an_error(text, content):
    with pytest.raises(ValueError, match=r"list.csv is empty; its first line must name its column"):
        Table(text("list.csv", content))


@pytest.mark.parametrize("content", [b"\xff\xfef", b"T\xfcr,file\n", b"RIFF\xff\xff\xff\xffWAVE"])
def test_what_is_no_text_is_an_error(tmp_path, content):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"list.csv is not a table of text in UTF-8 or UTF-16: "):
        Table(path)


def test_slashes_find_files(tmp_path, text):
    text("dog/a.wav", "")
    assert slashed(tmp_path, "dog\\a.wav") == "dog/a.wav"
    assert slashed(tmp_path, "dog\\b.wav") == "dog\\b.wav"
    text("dog\\a.wav", "")
    assert slashed(tmp_path, "dog\\a.wav") == "dog\\a.wav"


def test_padding_of_the_header_names_no_columns(text):
    table = Table(text("list.csv", "file,label,,\na,b,c,\n"))
    assert table.columns == ["file", "label"]
    assert [row[None] for _, row in table.rows()] == [["c", ""]]


def test_two_columns_of_one_name_are_an_error(text):
    with pytest.raises(ValueError, match=r"list.csv has two columns 'label'; join them, or rename"):
        Table(text("list.csv", "file,Label,label\n"))
