{{ config(
    materialized='incremental',
    incremental_strategy='append',
    table_type='iceberg',
    on_schema_change='append_new_columns',
    post_hook=[
        "optimize {{ this.render_pure() }} rewrite data using bin_pack",
        "vacuum {{ this.render_pure() }}",
    ],
) }}
select
    reading_id,
    value
    {%- if var('phase') > 1 %},
    note,
    cast(taken_at as timestamp(6)) as taken_at
    {%- endif %}
from {{ ref('readings') }}
where phase = {{ var('phase') }}
