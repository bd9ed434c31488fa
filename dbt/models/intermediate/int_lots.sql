with

trades as (

    select * from {{ ref('int_trades') }}

),

portfolios as (

    select * from {{ ref('stg_files__portfolios') }}

),

fx_rates_filled as (

    select * from {{ ref('int_fx_rates_filled') }}

),

running as (

    select
        *,
        cast(sum(final_quantity) over (
            partition by portfolio_id, symbol, kind
            order by trade_date, transaction_id
            rows between unbounded preceding and current row
        ) as decimal(28, 14)) as units_to
    from trades

),

lots as (

    select
        running.portfolio_id,
        running.transaction_id,
        running.symbol,
        running.kind,
        portfolios.base_currency,
        running.final_quantity,
        cast(running.units_to - running.final_quantity as decimal(28, 14)) as units_from,
        running.units_to,
        {{ convert('running.consideration', 'fx_rates_filled.fx_rate') }} as consideration,
        running.trade_date
    from running
    inner join portfolios
        on running.portfolio_id = portfolios.portfolio_id
    left join fx_rates_filled
        on
            running.currency = fx_rates_filled.currency
            and portfolios.base_currency = fx_rates_filled.base_currency
            and running.trade_date = fx_rates_filled.date

)

select * from lots
