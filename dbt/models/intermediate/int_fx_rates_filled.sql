with

portfolio_dates as (

    select * from {{ ref('int_portfolio_dates') }}

),

currency_pairs as (

    select * from {{ ref('int_currency_pairs') }}

),

fx_rates as (

    select * from {{ ref('int_fx_rates') }}

),

wanted as (

    select distinct
        currency_pairs.currency,
        currency_pairs.base_currency,
        portfolio_dates.date
    from currency_pairs
    inner join portfolio_dates
        on currency_pairs.portfolio_id = portfolio_dates.portfolio_id

),

-- A rate is in force from its session on; the running maximum of sessions names the last one known.
dates as (

    select
        currency,
        base_currency,
        date,
        true as is_wanted,
        cast(null as date) as session
    from wanted

    union all

    select
        currency,
        base_currency,
        session as date,
        false as is_wanted,
        session
    from fx_rates

),

filled as (

    select
        currency,
        base_currency,
        date,
        is_wanted,
        max(session) over (
            partition by currency, base_currency
            order by date
            range between unbounded preceding and current row
        ) as fx_session
    from dates

),

fx_rates_filled as (

    select
        filled.currency,
        filled.base_currency,
        case
            when filled.currency = filled.base_currency then cast(1 as decimal(28, 14))
            else fx_rates.fx_rate
        end as fx_rate,
        case
            when filled.currency = filled.base_currency then 0
            else date_diff('day', filled.fx_session, filled.date)
        end as fx_age_days,
        filled.date,
        filled.fx_session
    from filled
    left join fx_rates
        on
            filled.currency = fx_rates.currency
            and filled.base_currency = fx_rates.base_currency
            and filled.fx_session = fx_rates.session
    where filled.is_wanted

)

select * from fx_rates_filled
