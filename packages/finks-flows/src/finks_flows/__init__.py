"""finks on a schedule: Prefect flows over its runs, deployed as code, with the server that they need."""
