{{ config(severity='warn', store_failures=true) }}
select sensor_id
from {{ ref('sensors') }}
where sensor_id not in (select sensor_id from {{ ref('arrived') }})
