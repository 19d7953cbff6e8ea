"""The ground: sentences of refusals, JSON to the letter, typed values, shelves, named random streams, compiling."""
