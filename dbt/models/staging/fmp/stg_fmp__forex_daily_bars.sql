with

versions as (

    {{ latest_versions(source('silver', 'fmp_forex_daily_bars'), ['pair', 'session']) }}

),

forex_daily_bars as (

    select
        pair,
        substr(pair, 1, 3) as base_currency,
        substr(pair, 4, 3) as quote_currency,
        cast(close as decimal(28, 14)) as close,
        session
    from versions

)

select * from forex_daily_bars
