"""The gallery says what the code says of every world, and shows what the code draws."""

import base64
import functools
import io
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import msgspec
import numpy as np
import pytest

from testbed.cli.overrides import overridden
from testbed.ground import catalog
from testbed.report import gallery, render, sketch
from testbed.report.portrait import picture, portrait
from testbed.sources import Absent, HiddenMarkov, Iid, Markov

DOCS = Path(__file__).parents[2] / "docs"
SHELF = catalog.shelf("testbed.sources")
LARGEST = 60_000
LABELS = ["h_1", "h_2", f"h_{gallery.LENGTH}", "ε", "rate", "oracle"]


def sections(page):
    """The text about each world, by name."""
    return dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL))


def rows(section):
    """The truth of a world: label to (value, method, error)."""
    cells = [re.split(r" ?\| ?", line)[1:-1] for line in section.splitlines() if line.startswith("| ")]
    return {label: (value, method, error) for label, value, _, method, error in cells if label in LABELS}


def check_structure(page, folder):
    """Every world of the shelf is in the table and has a section, a picture, its sentence and a command that holds."""
    assert re.findall(r"^\| \[(\w+)\]\(#\1\)", page, flags=re.MULTILINE) == list(SHELF)
    found = sections(page)
    assert list(found) == list(SHELF)
    for name, kind in SHELF.items():
        assert kind.good_for in found[name]
        assert f"](gallery/{name}.svg)" in found[name]
        drawn = (folder / "gallery" / f"{name}.svg").read_text()
        assert ElementTree.fromstring(drawn).tag.endswith("svg") and len(drawn) < LARGEST
        assert list(rows(found[name])) == LABELS
        words = shlex.split(re.search(r"^testbed truth (.*)$", found[name], flags=re.MULTILINE).group(1))
        assert words[-2:] == ["--length", str(gallery.LENGTH)] and words[0] == name
        assert overridden(kind, None, words[1:-2], "truth") == kind.exhibit()


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def check_same(found, expected, allowed):
    """Two texts that differ in their numbers at most, by no more than is allowed for a number that is so written."""
    assert NUMBER.sub("#", found) == NUMBER.sub("#", expected)
    for one, other in zip(NUMBER.findall(found), NUMBER.findall(expected), strict=True):
        assert abs(float(one) - float(other)) <= allowed(other), (one, other)


def last_digit(number):
    """One unit of the last decimal, as machines round otherwise, or half of what is so small that it is rounding."""
    if 0 < abs(float(number)) < 1e-9:
        return abs(float(number)) / 2
    digits, _, power = number.partition("e")
    return 1.01 * 10.0 ** (int(power or 0) - len(digits.split(".")[1])) if "." in digits else 0


def parts(page):
    """What stands above the table, and for each world its row and its section; there is nothing else on the page."""
    head, found = page[: page.index("| [")], sections(page)
    lines = {name: line for line, name in re.findall(r"^(\| \[(\w+)\].*\n)", page, flags=re.MULTILINE)}
    assert page == head + "".join(lines.values()) + "\n" + "".join(f"## {name}\n{found[name]}" for name in found)
    return {name: (head, lines[name], found[name].strip()) for name in SHELF if name in lines}


def check_world(page, name, portrayed):
    """All that a page says of a world against its portrait."""
    for found, expected in zip(parts(page)[name], parts(gallery.page([portrayed]))[name], strict=True):
        check_same(found, expected, last_digit)


def pixels(image):
    return matplotlib.image.imread(io.BytesIO(base64.b64decode(image.split(",", 1)[1])))


def check_picture(found, expected):
    """All elements of a picture, their text, and their places up to a hundredth of a pixel; names alone are free."""
    for one, other in zip(*(ElementTree.fromstring(svg).iter() for svg in (found, expected)), strict=True):
        assert (one.tag, one.text, one.attrib.keys()) == (other.tag, other.text, other.attrib.keys())
        for name, value in one.attrib.items():
            if name.endswith("href") and value.startswith("data:"):
                np.testing.assert_array_equal(pixels(value), pixels(other.attrib[name]))
            elif not (name in ("id", "clip-path") or name.endswith("href")):
                check_same(value, other.attrib[name], lambda _: 0.01)


@functools.lru_cache(maxsize=len(SHELF))
def portrayed(name):
    """The portrait that `testbed gallery` draws."""
    world = SHELF[name].exhibit()
    return portrait(world, world.truth(gallery.LENGTH))


def drawn(name):
    return (DOCS / "gallery" / f"{name}.svg").read_text()


@pytest.fixture(scope="module")
def page():
    return (DOCS / "gallery.md").read_text()


def test_the_page_shows_every_world(page):
    check_structure(page, DOCS)
    assert {path.stem for path in (DOCS / "gallery").iterdir()} == SHELF.keys()
    assert gallery.INTRODUCTION.strip() in page


@pytest.mark.parametrize("name", SHELF)
def test_the_page_and_the_picture_are_those_of_the_code(name, page):
    check_world(page, name, portrayed(name))
    check_picture(drawn(name), picture(portrayed(name)))


def test_a_page_that_lacks_a_world_or_a_picture_is_rejected(page, tmp_path):
    for wrong in (
        re.sub(r"^## markov\n.*?(?=^## )", "", page, flags=re.MULTILINE | re.DOTALL),
        re.sub(r"^\| \[markov\].*\n", "", page, flags=re.MULTILINE),
        page.replace(SHELF["markov"].good_for, ""),
        page.replace("(gallery/markov.svg)", "(gallery/iid.svg)"),
        page.replace("truth markov --vocabulary 8", "truth markov --vocabulary 9"),
    ):
        assert wrong != page
        with pytest.raises(AssertionError):
            check_structure(wrong, DOCS)
    with pytest.raises(FileNotFoundError):
        check_structure(page, tmp_path)


def test_a_page_of_yesterday_is_rejected(page):
    _, line, section = parts(page)["hidden_markov"]
    numbers = [match.span() for match in NUMBER.finditer(line)]
    wrong = [line[:begin] + f"{float(line[begin:end]) + 0.01:.6f}" + line[end:] for begin, end in numbers]
    wrong += [line.replace("yes", "no"), line.replace("geometric", "never")]
    pages = [page.replace(line, each) for each in wrong]
    for number in set(NUMBER.findall(section)) - {"64"}:
        other = f"{2 * float(number) + 1:.{len(number.partition('.')[2])}f}"
        pages.append(page.replace(section, re.sub(rf"(?<![\w.]){re.escape(number)}(?![\d.])", other, section, count=1)))
    pages.append(page.replace("Middle: h_t", "Middle: h"))
    for each in pages:
        assert each != page
        with pytest.raises(AssertionError):
            check_world(each, "hidden_markov", portrayed("hidden_markov"))


def test_a_picture_of_another_world_or_of_yesterday_is_rejected():
    right, expected = drawn("markov"), picture(portrayed("markov"))
    check_picture(right, expected)
    tokens = portrayed("markov").tokens_BL
    mirrored = picture(portrayed("markov")._replace(tokens_BL=tokens[:, ::-1]))
    empty = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    moved = re.sub(r"(?<= d=\"M )(\d+\.\d+)", lambda found: f"{float(found.group(1)) + 0.02:.6f}", right, count=1)
    for wrong in (drawn("iid"), empty, moved, right.replace("lag k", "lag t", 1), mirrored):
        assert wrong != right
        with pytest.raises((AssertionError, ValueError)):
            check_picture(wrong, expected)


@pytest.fixture(scope="module")
def shown():
    worlds = (Markov(vocabulary=3, seed=1), HiddenMarkov(process="golden_mean"))
    return [portrait(world, world.truth(6), sequences=3, lags=range(1, 5)) for world in worlds]


def test_a_picture_is_an_svg_and_the_same_twice(shown):
    drawn = [picture(each) for each in shown]
    assert drawn == [picture(each) for each in shown] and drawn[0] != drawn[1]
    for text in drawn:
        assert ElementTree.fromstring(text).tag.endswith("svg") and text.count("<image") == 1
        assert all(word in text for word in ("rate", "oracle", "samples: ", "lag k"))


def test_a_section_tells_what_the_portrait_holds(shown):
    text = gallery.page(shown)
    found = sections(text)
    assert list(found) == ["markov", "hidden_markov"]
    assert "0.462098120373" in found["hidden_markov"], "(2/3) ln 2, the rate of the golden mean process"
    for each in shown:
        assert render.decay(each.mixing) in text and type(each.source).good_for in text


def test_what_is_not_offered_is_said_everywhere(shown, capsys):
    whole = shown[0]
    truth = msgspec.structs.replace(whole.truth, rate=Absent("no limit"), oracle=Absent("no latents [here]"))
    lacking = whole._replace(truth=truth, memory=Absent("no pair law"), mixing=Absent("no machine"))
    text, drawn = gallery.page([lacking]), picture(lacking)
    for reason in ("no limit", "no latents [here]", "no pair law", "no machine"):
        assert reason in text
    assert all(word in drawn for word in ("rate: none", "oracle: none", "not offered: no pair law"))
    record = render.record(whole.source, truth)
    assert (record["rate"], record["oracle"]) == (None, None)
    assert record["absent"] == {"rate": "no limit", "oracle": "no latents [here]"}
    sketch.show(lacking)
    assert "no latents [here]" in capsys.readouterr().out


def test_the_symbols_of_a_large_alphabet_keep_their_order():
    world = Iid(vocabulary=1000)
    drawn = picture(portrait(world, world.truth(4), sequences=2))
    assert "1000 symbols" in drawn and "no two tokens are correlated" in drawn
