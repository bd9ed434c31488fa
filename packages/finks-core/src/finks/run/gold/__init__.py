"""Silver to Gold: what runs dbt, here or elsewhere, what it leaves behind, and the publication of a release."""
