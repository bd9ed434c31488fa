select
    sites.city,
    present_sensors.name
from {{ ref('sites') }} as sites
inner join {{ ref('present_sensors') }} as present_sensors
    on sites.site_id = present_sensors.sensor_id
