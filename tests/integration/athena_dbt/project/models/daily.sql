{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partitioned_by=['day']) }}
select
    sensor_id,
    count(*) as readings,
    sum(value) as total,
    day
from {{ ref('arrived') }}
{% if is_incremental() %}
where day >= (select max(day) from {{ this }})
{% endif %}
group by sensor_id, day
