{{ config(materialized='table', external_location=env_var('SENSORS_BUCKET') ~ '/external/here') }}
select {{ var('phase') }} as phase
