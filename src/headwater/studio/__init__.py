"""The report: what a workspace holds and what a comparison found, in one HTML file that needs nothing else."""
