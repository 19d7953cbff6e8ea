"""Signal over noise: across contexts of one model, across trainings, and its plane over data, parameters and noise."""
