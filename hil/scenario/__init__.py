"""Scenarios: files a test engineer writes, checked whole before anything starts, played the same on every ground."""
