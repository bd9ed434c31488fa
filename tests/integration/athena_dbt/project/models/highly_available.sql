{{ config(materialized='table', ha=true, s3_data_naming='table_unique') }}
select
    {{ var('phase') }} as phase,
    count(*) as readings
from {{ ref('arrived') }}
