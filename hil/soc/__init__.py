"""Evidence for the charge estimator: held-out runs, the peers beside it, tables and plots."""
