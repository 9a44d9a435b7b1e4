"""Figures are found in the chapters' sources; what is wrong with records and images is named."""

import dataclasses

import nbformat
import pytest
from nbformat import v4

from rmsprop.records.consistency import check
from rmsprop.records.record import RecordError, write
from rmsprop.records.source import Source, find_sources, require
from rmsprop.records.tidy import make_record


@pytest.fixture
def chapter(tmp_path):
    """Write a chapter with these code cells, ids ``<name>-00`` and so on."""
    (tmp_path / "book").mkdir()

    def chapter(name, *cells, text="# Title"):
        notebook = v4.new_notebook(cells=[v4.new_markdown_cell(text)])
        for k, code in enumerate(cells):
            notebook.cells.append(v4.new_code_cell(code, id=f"{name}-{k:02}"))
        nbformat.write(notebook, tmp_path / "book" / f"{name}.ipynb")

    return chapter


@pytest.fixture
def record(tmp_path):
    def record(id, chapter):
        made = make_record(id, caption="C.", alt="A.", data={"x": 1.0})
        write(tmp_path / "book" / "figures", dataclasses.replace(made, chapter=chapter))

    return record


def test_each_figure_is_found_with_its_chapter_and_cell(tmp_path, chapter):
    chapter("two", "1 + 1", "publish(\n    fig,\n    'b',\n)")
    chapter("one", "figures.publish(fig, 'a')\nrmsprop.figures.publish(figure=fig, id='c')")
    chapter("none", "'publish(fig, \"d\")'  # publish(fig, 'e')")
    assert find_sources(tmp_path / "book") == {
        "a": Source("one", "one-00"),
        "c": Source("one", "one-00"),
        "b": Source("two", "two-01"),
    }


def test_id_in_two_chapters_is_named_with_both(tmp_path, chapter):
    chapter("one", "publish(fig, 'a')")
    chapter("two", "publish(fig, 'a')")
    with pytest.raises(RecordError, match=r"^figure a is published twice, in one and in two$"):
        find_sources(tmp_path / "book")


@pytest.mark.parametrize("call", ["publish(fig, name)", "publish(fig, f'a-{n}')", "publish(fig)"])
def test_id_must_be_written_out(tmp_path, chapter, call):
    chapter("one", call)
    message = r"^publish in cell one-00 of one must be given a literal id$"
    with pytest.raises(RecordError, match=message):
        find_sources(tmp_path / "book")


def test_cell_that_is_not_python_is_named(tmp_path, chapter):
    chapter("one", "1 +")
    with pytest.raises(RecordError, match=r"^cell one-00 of one is not Python: "):
        find_sources(tmp_path / "book")


KNOWN = ["ewma-noise", "ewma-bias", "spike"]


@pytest.mark.parametrize(
    ("id", "message"),
    [
        (
            "ewma-nois",
            "no figure is called 'ewma-nois'; did you mean ewma-noise or ewma-bias?",
        ),
        ("spikes", "no figure is called 'spikes'; did you mean spike?"),
        ("zzz", "no figure is called 'zzz'; known: ewma-noise, ewma-bias, spike"),
    ],
)
def test_unknown_id_gets_near_names(id, message):
    require(["spike"], KNOWN)
    with pytest.raises(RecordError) as error:
        require(["spike", id], KNOWN)
    assert str(error.value) == message


def test_nothing_is_wrong_with_a_book_in_order(tmp_path, chapter, record):
    chapter("one", "publish(fig, 'a')", text="![A line](a.png) <img src='b.png' alt='B'>")
    record("a", "one")
    assert check(tmp_path) == []


def test_figures_and_records_without_each_other_are_named(tmp_path, chapter, record):
    chapter("one", "publish(fig, 'a')", "publish(fig, 'b')", "publish(fig, 'd')")
    record("b", "one")
    record("c", "one")
    record("d", "two")
    assert check(tmp_path) == [
        "figure a of one has no record: `make accept FIGURE=a`",
        "figure d moved from two to one: `make accept FIGURE=d`",
        "record c has no figure: no chapter publishes it",
    ]


def test_damaged_record_is_named(tmp_path, chapter, record):
    chapter("one", "publish(fig, 'a')")
    record("a", "one")
    (tmp_path / "book/figures/a.csv").write_text("x\n2.0\n")
    (fault,) = check(tmp_path)
    assert fault.startswith("the record of figure a was changed by hand")


def test_duplicate_id_is_a_fault_too(tmp_path, chapter):
    chapter("one", "publish(fig, 'a')", "publish(fig, 'a')")
    assert check(tmp_path) == ["figure a is published twice, in one and in one"]


@pytest.mark.parametrize(
    "image",
    [
        "![](a.png)",
        "![ ](a.png)",
        "<img src='a.png'>",
        "<img alt='' src='a.png'>",
        "```{image} a.png\n:width: 3em\n```",
        ":::{figure} a.png\nCaption.\n:::",
    ],
)
@pytest.mark.parametrize("where", ["chapter", "page", "README"])
def test_image_without_alt_text_is_named(tmp_path, chapter, image, where):
    chapter("one", text=f"# Title\n\n{image}" if where == "chapter" else "# Title")
    if where == "page":
        (tmp_path / "book/intro.md").write_text(image)
    if where == "README":
        (tmp_path / "README.md").write_text(image)
    (fault,) = check(tmp_path)
    assert fault.endswith(f" has an image without alt text: {image.splitlines()[0]}")


@pytest.mark.parametrize(
    "image", ["```{image} a.png\n:alt: A line.\n```", ":::{figure} a.png\n:alt: A line.\n\nC.\n:::"]
)
def test_directive_with_alt_text_is_fine(tmp_path, chapter, image):
    chapter("one", text=image)
    assert check(tmp_path) == []
