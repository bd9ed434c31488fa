{{ config(materialized='ephemeral') }}
select
    sensor_id,
    name,
    status,
    updated_at
from {{ ref('sensor_history') }}
where {{ var('phase') }} between from_phase and to_phase
