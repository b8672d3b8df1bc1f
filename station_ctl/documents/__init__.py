"""Documents made from the tables and the configuration model; CI fails when one of them is stale."""
