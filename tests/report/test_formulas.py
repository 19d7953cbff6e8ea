"""Formulas are well-formed elements, nothing in them is markup of others, and words are left as words."""

import xml.etree.ElementTree as ElementTree

import pytest

from testbed.report.formulas import caption, formula, spoken, typeset


@pytest.mark.parametrize(
    "text",
    ["V = C_P D^{−β}", "frac{1}{Σ_k a_k^2}", "T(n) = E‖a − E a‖^2 = tr Cov(a)", "KL(p^*‖bar{p})", "a < b & c",
     "", "x^{", "}_^", "bar{", "½"],
)  # fmt: skip
def test_every_formula_is_well_formed(text):
    element = ElementTree.fromstring(str(formula(text)))
    assert element.tag == "math"


def test_scripts_and_fractions_are_elements():
    assert "<msubsup><mi>a</mi><mi>k</mi><mn>2</mn></msubsup>" in str(formula("a_k^2"))
    assert str(formula("frac{1}{n}")) == "<math><mrow><mfrac><mn>1</mn><mi>n</mi></mfrac></mrow></math>"
    assert "mspace" in str(formula("log T")) and "mspace" not in str(formula("K T"))


@pytest.mark.parametrize("text", ["my_name", "1/n", "falls.literal", "file_name.py", "A dash", "D and V", "n^"])
def test_words_are_left_alone(text):
    assert str(typeset(text)) == text


@pytest.mark.parametrize("text", ["n^−½", "c_∞", "B(P)", "V(P, D)", "ε", "D^{−β}", "h_t"])
def test_letters_with_scripts_or_arguments_are_set(text):
    found = str(typeset(f"so {text} is"))
    assert found.startswith("so <math>") and found.endswith("</math> is") and "^" not in found and "_" not in found


def test_markup_is_shown_literally():
    hostile = "<b onclick=x>&ε<script>"
    for found in (typeset(hostile), caption(hostile), caption(f"${hostile}$")):
        assert "<b" not in str(found) and "<script" not in str(found) and "&lt;" in str(found)


def test_captions_hold_formulas_and_can_be_spoken():
    assert "<math>" in str(caption("falls as $1/n$ here")) and "$" not in str(caption("falls as $1/n$ here"))
    assert spoken("falls as $n^{−½}$") == "falls as n^−½"
