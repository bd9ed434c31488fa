with

versions as (

    {{ latest_versions(source('silver', 'fmp_daily_bars'), ['symbol', 'session']) }}

),

daily_bars as (

    select
        symbol,
        cast(open as decimal(24, 12)) as open,
        cast(high as decimal(24, 12)) as high,
        cast(low as decimal(24, 12)) as low,
        cast(close as decimal(24, 12)) as close,
        cast(volume as decimal(38, 10)) as volume,
        session
    from versions

)

select * from daily_bars
