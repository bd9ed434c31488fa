{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns') }}
select
    reading_id,
    value
    {%- if var('phase') > 1 %},
    note
    {%- endif %}
from {{ ref('readings') }}
where phase = {{ var('phase') }}
