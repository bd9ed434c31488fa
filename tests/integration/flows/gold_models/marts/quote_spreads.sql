with

quotes as (

    {{ latest_versions(source('silver', 'sample_quotes'), ['symbol', 'day']) }}

)

select
    symbol,
    day,
    cast(ask - bid as decimal(38, 12)) as spread
from quotes
