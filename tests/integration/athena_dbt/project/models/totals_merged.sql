{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    table_type='iceberg',
    unique_key='sensor_id',
    merge_exclude_columns=['first_phase'],
    merge_update_columns_rules={
        'total': 'sum',
        'phases': 'append_distinct',
        'highest': 'greatest(_old_, _new_)',
    },
) }}
select
    sensor_id,
    sum(reading) as total,
    max(reading) as highest,
    cast(max(updated_at) as timestamp(6)) as updated_at,
    array[{{ var('phase') }}] as phases,
    {{ var('phase') }} as first_phase
from {{ ref('states') }}
where phase = {{ var('phase') }}
group by sensor_id
