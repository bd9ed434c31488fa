{#
    The version of every record that counts: per key the newest by (_known_at, _seq) among those known at the
    variable `as_of`, and none where that version says that the vendor took the record back.
#}
{% macro latest_versions(relation, key) %}
select *
from (
    select
        *,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by _known_at desc, _seq desc
        ) as _version_rank
    from {{ relation }}
    {% if var('as_of') is not none %}
    where _known_at <= {{ timestamp_with_zone(var('as_of')) }}
    {% endif %}
) as ranked
where _version_rank = 1 and not _retracted
{% endmacro %}
