"""Scaling laws fitted to tables of losses: forms, fits, intervals, what data leave open, what compute is best for."""
