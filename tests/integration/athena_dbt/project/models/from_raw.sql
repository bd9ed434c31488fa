{{ config(materialized='table') }}
select id from {{ source('raw', 'fresh') }}
