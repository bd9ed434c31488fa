select *
from {{ ref('arrived') }}
where day > date '2030-01-01'
