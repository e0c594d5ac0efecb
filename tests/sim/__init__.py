"""The simulation: the whole office in one process, everything that happens drawn from one seed (docs/simulation.md)."""
