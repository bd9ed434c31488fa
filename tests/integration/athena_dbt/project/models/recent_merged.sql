{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    table_type='iceberg',
    unique_key=['sensor_id'],
    incremental_predicates=["target.updated_at >= timestamp '2024-03-02 12:00:00'"],
) }}
select
    sensor_id,
    reading,
    cast(updated_at as timestamp(6)) as updated_at
from {{ ref('states') }}
where phase = {{ var('phase') }} and sensor_id in (1, 5)
