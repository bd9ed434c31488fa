with

purchases as (

    select *
    from {{ ref('int_lots') }}
    where kind = 'buy'

),

sales as (

    select *
    from {{ ref('int_lots') }}
    where kind = 'sell'

),

-- First in, first out: the n-th unit sold is the n-th unit bought, so matches are overlaps of running quantities.
overlapping as (

    select
        sales.portfolio_id,
        sales.symbol,
        purchases.transaction_id as purchase_id,
        sales.transaction_id as sale_id,
        sales.base_currency,
        least(purchases.units_to, sales.units_to)
        - greatest(purchases.units_from, sales.units_from) as matched_units,
        purchases.final_quantity as purchased_units,
        purchases.consideration as purchase_consideration,
        sales.final_quantity as sold_units,
        sales.consideration as sale_consideration,
        purchases.trade_date as purchase_date,
        sales.trade_date as sale_date
    from sales
    inner join purchases
        on
            sales.portfolio_id = purchases.portfolio_id
            and sales.symbol = purchases.symbol
            and sales.units_from < purchases.units_to
            and purchases.units_from < sales.units_to

),

valued as (

    select
        portfolio_id,
        symbol,
        purchase_id,
        sale_id,
        base_currency,
        cast(matched_units as decimal(28, 14)) as final_quantity,
        {{ share_of('purchase_consideration', 'matched_units', 'purchased_units') }} as cost,
        {{ share_of('sale_consideration', 'matched_units', 'sold_units') }} as proceeds,
        purchase_date,
        sale_date
    from overlapping

),

lot_matches as (

    select
        portfolio_id,
        symbol,
        purchase_id,
        sale_id,
        base_currency,
        final_quantity,
        cost,
        proceeds,
        {{ money('proceeds - cost') }} as realised_pnl,
        purchase_date,
        sale_date
    from valued

)

select * from lot_matches
