"""The operations behind `jaxtut.functional`, one family a file."""
