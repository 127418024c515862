"""Trainings that go on after a crash."""
