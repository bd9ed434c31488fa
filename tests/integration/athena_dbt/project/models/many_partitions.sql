{{ config(materialized='table', partitioned_by=['day']) }}
select
    cast(date_diff('day', date '2024-01-01', day) as integer) as number,
    cast(day as date) as day
from unnest(sequence(date '2024-01-01', date '2024-05-09')) as days (day)
