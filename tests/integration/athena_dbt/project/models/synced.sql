{{ config(
    materialized='incremental',
    incremental_strategy='append',
    table_type='iceberg',
    on_schema_change='sync_all_columns',
) }}
{% if var('phase') == 1 %}
select reading_id, sensor_id, note as dropped from {{ ref('readings') }} where phase = 1
{% else %}
select reading_id, cast(sensor_id as bigint) as sensor_id, value as added from {{ ref('readings') }} where phase = 2
{% endif %}
