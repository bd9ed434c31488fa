with

daily_bars as (

    select *
    from {{ ref('stg_fmp__daily_bars') }}
    where
        session <= {{ logical_date() }}
        and close > 0

),

splits as (

    select * from {{ ref('stg_fmp__splits') }}

),

dividends as (

    select * from {{ ref('stg_fmp__dividends') }}

),

sessions as (

    select
        symbol,
        session,
        close,
        lag(session) over (partition by symbol order by session) as previous_session,
        lag(close) over (partition by symbol order by session) as previous_close
    from daily_bars

),

-- An action between two sessions belongs to the later one.
session_splits as (

    select
        sessions.symbol,
        sessions.session,
        {{ product_agg('splits.numerator') }} as numerator,
        {{ product_agg('splits.denominator') }} as denominator
    from sessions
    inner join splits
        on
            sessions.symbol = splits.symbol
            and sessions.previous_session < splits.ex_date
            and sessions.session >= splits.ex_date
    group by sessions.symbol, sessions.session

),

session_dividends as (

    select
        sessions.symbol,
        sessions.session,
        sum(dividends.amount) as dividend
    from sessions
    inner join dividends
        on
            sessions.symbol = dividends.symbol
            and sessions.previous_session < dividends.ex_date
            and sessions.session >= dividends.ex_date
    group by sessions.symbol, sessions.session

),

actions as (

    select
        sessions.symbol,
        sessions.session as date,
        sessions.previous_session,
        sessions.close,
        sessions.previous_close,
        coalesce(session_splits.numerator, 1e0)
        / cast(coalesce(session_splits.denominator, 1) as double) as split_ratio,
        coalesce(session_dividends.dividend, 0) as dividend
    from sessions
    left join session_splits
        on
            sessions.symbol = session_splits.symbol
            and sessions.session = session_splits.session
    left join session_dividends
        on
            sessions.symbol = session_dividends.symbol
            and sessions.session = session_dividends.session

),

growth as (

    select
        symbol,
        date,
        previous_session,
        close,
        split_ratio,
        dividend,
        cast(close as double) * split_ratio / cast(previous_close as double) as price_growth,
        (cast(close as double) * split_ratio + cast(dividend as double))
        / cast(previous_close as double) as total_growth
    from actions

),

security_returns as (

    select
        symbol,
        cast(close as decimal(38, 12)) as close,
        split_ratio,
        cast(dividend as decimal(38, 12)) as dividend,
        price_growth - 1e0 as price_return,
        total_growth - 1e0 as total_return,
        {{ running_product('coalesce(price_growth, 1e0)', 'symbol', 'date') }} - 1e0 as cumulative_price_return,
        {{ running_product('coalesce(total_growth, 1e0)', 'symbol', 'date') }} - 1e0 as cumulative_total_return,
        date,
        previous_session
    from growth

)

select * from security_returns
