"""The directive for live figures in a real Sphinx build, with every warning an error."""

import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from rmsprop.press.live.directive import FIGURES, scripts

CONFIGURATION = """
extensions = ["myst_parser", "rmsprop.press.sphinx"]
html_theme = "basic"
latex_documents = [("index", "book.tex", "Book", "Author", "manual")]
"""
PAGES = {
    "index": "# Book\n\n```{toctree}\nboth\n```\n",
    "both": "# Both\n\n```{live} explorer\n:story: turned\n```\n\n```{live} signal\n```\n"
    "\n```{live} batch\n```\n",
}


def build(folder, builder, pages=PAGES):
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "conf.py").write_text(CONFIGURATION)
    for page, text in pages.items():
        (source / f"{page}.md").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", builder]
    command += ["-d", folder / "doctrees", source, folder / builder]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    for builder in ("html", "latex", "text"):
        done = build(folder, builder)
        assert done.returncode == 0, done.stderr
    return folder


def test_page_loads_each_script_once_and_in_order(folder):
    page = BeautifulSoup((folder / "html/both.html").read_text(), "html.parser")
    loaded = [script["src"].split("?")[0] for script in page.select("script[src*='/live/']")]
    assert len(loaded) == len(set(loaded))
    assert set(loaded) == {f"_static/live/{script}" for name in FIGURES for script in scripts(name)}
    for name in FIGURES:
        wanted = [f"_static/live/{script}" for script in scripts(name)]
        assert [script for script in loaded if script in wanted] == wanted
    for script in loaded:
        assert (folder / "html" / script).stat().st_size > 0
    assert all(script.has_attr("defer") for script in page.select("script[src*='/live/']"))
    assert page.select("link[href*='live/live.css']")


def test_other_pages_load_nothing(folder):
    assert "/live/" not in (folder / "html/index.html").read_text()


def test_still_picture_and_its_words_are_in_the_page(folder):
    page = BeautifulSoup((folder / "html/both.html").read_text(), "html.parser")
    figures = page.select("div.live-figure")
    assert [(f["data-live"], f["data-story"]) for f in figures] == [
        ("explorer", "turned"),
        ("signal", ""),
        ("batch", ""),
    ]
    for figure in figures:
        module = FIGURES[figure["data-live"]]
        images = figure.select(".live-still img")
        assert [image["class"] for image in images] == [["only-light"], ["only-dark"]]
        assert all(image["alt"] == module.ALT for image in images)
        assert all((folder / "html" / image["src"]).is_file() for image in images)
        assert figure.get_text(strip=True) == module.CAPTION


def test_print_has_the_still_picture_once_and_its_words(folder):
    tex = (folder / "latex/book.tex").read_text()
    for name, module in FIGURES.items():
        assert tex.count(f"{{{name}-light}}") == 1
        assert f"{name}-dark" not in tex
        assert (folder / f"latex/{name}-light.pdf").is_file()
        words = " ".join((folder / "text/both.txt").read_text().split()).replace("*", "")
        assert module.CAPTION in words


def test_unknown_figure_is_refused(tmp_path):
    done = build(tmp_path, "text", {"index": "# Book\n\n```{live} engine\n```\n"})
    assert done.returncode != 0
    assert "there is no live figure 'engine', only batch, explorer, signal" in done.stderr


def test_unknown_story_is_refused(tmp_path):
    page = {"index": "# Book\n\n```{live} explorer\n:story: none\n```\n"}
    done = build(tmp_path, "text", page)
    assert done.returncode != 0
    assert "'explorer' has no story 'none'" in done.stderr
