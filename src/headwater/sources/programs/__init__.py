"""What a file of a repository is: its language, its licence, and whether a person wrote it."""
