with

forex_daily_bars as (

    select *
    from {{ ref('stg_fmp__forex_daily_bars') }}
    where
        session <= {{ logical_date() }}
        and close > 0

),

needed as (

    select distinct
        currency,
        base_currency
    from {{ ref('int_currency_pairs') }}
    where currency <> base_currency

),

quotes as (

    select
        needed.currency,
        needed.base_currency,
        forex_daily_bars.close as fx_rate,
        1 as preference,
        forex_daily_bars.session
    from needed
    inner join forex_daily_bars
        on
            needed.currency = forex_daily_bars.base_currency
            and needed.base_currency = forex_daily_bars.quote_currency

    union all

    select
        needed.currency,
        needed.base_currency,
        {{ to_decimal('1e0 / cast(forex_daily_bars.close as double)', 28, 14) }} as fx_rate,
        2 as preference,
        forex_daily_bars.session
    from needed
    inner join forex_daily_bars
        on
            needed.currency = forex_daily_bars.quote_currency
            and needed.base_currency = forex_daily_bars.base_currency

),

ranked as (

    select
        *,
        row_number() over (
            partition by currency, base_currency, session
            order by preference
        ) as preference_rank
    from quotes

),

fx_rates as (

    select
        currency,
        base_currency,
        fx_rate,
        session
    from ranked
    where preference_rank = 1

)

select * from fx_rates
