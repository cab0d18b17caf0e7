"""Turns a grocer's real year into the rows that the shop imports."""
