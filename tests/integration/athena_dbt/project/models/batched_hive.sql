{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='taken_at',
    batch_size='day',
    begin='2024-03-01',
    partitioned_by=['day'],
) }}
select
    reading_id,
    value,
    taken_at,
    day
from {{ ref('arrived') }}
