"""What a person and a CI system are told of runs: JUnit XML, one HTML page, the records themselves."""
