"""The trust score model: synthetic data, training, evaluation, export. Every number comes out the same on any machine."""
