"""Scaling laws fitted to tables of losses: forms, fits, intervals, what data leave open, and what compute is best for."""
