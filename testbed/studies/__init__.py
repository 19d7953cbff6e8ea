"""Shelf of kinds of questions: a file or a folder each, see ``testbed.study``. Any installed package may add to it."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
