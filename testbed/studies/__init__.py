"""Shelf of kinds of questions: a file or a folder each, see ``testbed.study``. Any installed package may add to it."""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)
