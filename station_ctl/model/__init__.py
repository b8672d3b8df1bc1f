"""The vocabulary of the controller: places, a visit, what is read, decided and remembered. Plain frozen values."""
