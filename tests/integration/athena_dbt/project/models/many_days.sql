{{ config(materialized='table', table_type='iceberg', partitioned_by=['day(day)']) }}
select
    number,
    day
from {{ ref('many_partitions') }}
