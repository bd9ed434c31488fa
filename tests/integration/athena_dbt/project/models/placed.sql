{{ config(materialized='table', s3_data_naming='schema_table', s3_data_dir=env_var('SENSORS_BUCKET') ~ '/elsewhere/') }}
select {{ var('phase') }} as phase
