{# Iceberg keeps microseconds, and Athena asks for them. #}
select
    sensor_id,
    name,
    status,
    cast(updated_at as timestamp(6)) as updated_at
from {{ ref('present_sensors') }}
