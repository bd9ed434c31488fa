"""SQL that Athena and DuckDB read alike: what is not is named, with its line.

A model that is built on both engines may use what both have, with one meaning. Parsing says little about that, so the
rules here look at the spelling (`spelling`) and, with the types of the columns, at the meaning (`meaning`). A whole
dbt project is checked from its manifest (`project`)::

    dbt compile --target athena --no-introspect --no-populate-cache
    python -m finks_local.portable target/manifest.json

Two more things differ that no text shows: `greatest` and `least` of a null are null on Athena only, and the last
digits of a float depend on the order of addition and multiplication.
"""

from finks_local.portable.findings import Finding
from finks_local.portable.project import check_project
from finks_local.portable.statement import Schema, check

__all__ = ["Finding", "Schema", "check", "check_project"]
