"""Shelf of feed-forward nonlinearities: what stands between the two matrices of a block.

A variant is one file with one frozen struct, tagged by its file name, whose fields are its own settings, and
``__call__(x_LF) -> y_LF``: pure, without parameters, each position on its own (row t of y depends on row t of x
alone). The matrices and biases around it belong to the network. Name the variant below to admit it.
"""

from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.relu import Relu

AnyFeedforward = Gelu | Relu
