"""The charge estimator in the service: an estimate for each pack that is here, its record on disk, what it tells."""
