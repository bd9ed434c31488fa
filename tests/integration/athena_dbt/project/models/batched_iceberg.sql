{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    table_type='iceberg',
    event_time='taken_at',
    batch_size='day',
    begin='2024-03-01',
    unique_key='reading_id',
) }}
select
    reading_id,
    value,
    cast(taken_at as timestamp(6)) as taken_at
from {{ ref('arrived') }}
