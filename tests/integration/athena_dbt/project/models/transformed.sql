{{ config(
    materialized='table',
    table_type='iceberg',
    format='parquet',
    write_compression='zstd',
    partitioned_by=['month(day)', 'bucket(number, 4)'],
) }}
select
    number,
    day
from {{ ref('many_partitions') }}
