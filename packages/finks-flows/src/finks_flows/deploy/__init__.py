"""What is deployed to a Prefect server, as code."""
