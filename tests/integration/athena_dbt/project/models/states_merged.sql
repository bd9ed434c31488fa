{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    table_type='iceberg',
    unique_key='sensor_id',
    delete_condition='src.decommissioned',
    update_condition='src.updated_at > target.updated_at',
    insert_condition='src.reading >= 0',
) }}
select
    sensor_id,
    reading,
    cast(updated_at as timestamp(6)) as updated_at,
    decommissioned
from {{ ref('states') }}
where phase = {{ var('phase') }}
