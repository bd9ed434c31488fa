with

profiles as (

    select * from {{ ref('stg_fmp__profiles') }}

),

daily_bars as (

    select * from {{ ref('stg_fmp__daily_bars') }}

),

priced as (

    select
        symbol,
        count(*) as sessions,
        min(session) as first_session,
        max(session) as last_session
    from daily_bars
    where session <= {{ logical_date() }}
    group by symbol

),

securities as (

    select
        profiles.symbol,
        cast(profiles.name as varchar) as name,
        profiles.currency,
        cast(profiles.exchange as varchar) as exchange,
        coalesce(priced.sessions, 0) as sessions,
        priced.first_session,
        priced.last_session
    from profiles
    left join priced
        on profiles.symbol = priced.symbol

)

select * from securities
