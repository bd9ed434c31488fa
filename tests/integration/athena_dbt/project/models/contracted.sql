{{ config(materialized='table', contract={'enforced': true}) }}
select
    sensor_id,
    {% if var('break_contract') %}unit{% else %}scale{% endif %} as scale,
    cast(name as varchar) as name,
    active,
    installed_on,
    cast(calibrated_at as timestamp(3)) as calibrated_at,
    cast(scale as double) as factor,
    cast(sensor_id as bigint) as number
from {{ ref('sensors') }}
