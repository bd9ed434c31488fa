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

filled as (

    {{ last_known('wanted', 'fx_rates', ['currency', 'base_currency'], 'fx_session') }}

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

)

select * from fx_rates_filled
