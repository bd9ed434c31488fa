with

holdings as (

    select *
    from {{ ref('int_holdings') }}
    where quantity <> 0

),

purchases as (

    select *
    from {{ ref('int_lots') }}
    where kind = 'buy'

),

open_lots as (

    select
        holdings.portfolio_id,
        holdings.symbol,
        purchases.transaction_id,
        purchases.units_to - greatest(purchases.units_from, holdings.final_sold) as open_units,
        purchases.final_quantity as purchased_units,
        purchases.consideration,
        holdings.valid_from
    from holdings
    inner join purchases
        on
            holdings.portfolio_id = purchases.portfolio_id
            and holdings.symbol = purchases.symbol
            and purchases.trade_date <= holdings.valid_from
            and purchases.units_to > holdings.final_sold

),

valued as (

    select
        portfolio_id,
        symbol,
        {{ share_of('consideration', 'open_units', 'purchased_units') }} as cost,
        valid_from
    from open_lots

),

cost_basis as (

    select
        portfolio_id,
        symbol,
        {{ money('sum(cost)') }} as cost_basis,
        valid_from
    from valued
    group by portfolio_id, symbol, valid_from

)

select * from cost_basis
