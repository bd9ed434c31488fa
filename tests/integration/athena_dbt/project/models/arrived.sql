{{ config(materialized='view', event_time='taken_at') }}
select
    reading_id,
    sensor_id,
    taken_at,
    value,
    note,
    phase,
    cast(taken_at as date) as day
from {{ ref('readings') }}
where phase <= {{ var('phase') }}
