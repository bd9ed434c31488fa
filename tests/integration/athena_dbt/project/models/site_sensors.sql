select
    sites.city,
    present_sensors.name
from {{ ref('sites') }} as sites
inner join {{ ref('present_sensors') }} as present_sensors
    on cast(sites.site_id as integer) = present_sensors.sensor_id
