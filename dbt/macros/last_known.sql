{#
    For every wanted date the newest session up to it, null before the first: what is known of a session is in force
    from that session on. `wanted` has the columns of `keys` and `date`, `known` those of `keys` and `session`.
#}
{% macro last_known(wanted, known, keys, name) -%}
    select
        {{ keys | join(', ') }},
        date,
        {{ name }}
    from (
        select
            {{ keys | join(', ') }},
            date,
            is_wanted,
            max(session) over (
                partition by {{ keys | join(', ') }}
                order by date
                range between unbounded preceding and current row
            ) as {{ name }}
        from (
            select
                {{ keys | join(', ') }},
                date,
                true as is_wanted,
                cast(null as date) as session
            from {{ wanted }}

            union all

            select
                {{ keys | join(', ') }},
                session as date,
                false as is_wanted,
                session
            from {{ known }}
        ) as dates
    ) as filled
    where is_wanted
{%- endmacro %}
