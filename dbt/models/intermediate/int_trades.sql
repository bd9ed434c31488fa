with

transactions as (

    select *
    from {{ ref('stg_files__transactions') }}
    where
        kind in ('buy', 'sell')
        and trade_date <= {{ logical_date() }}

),

split_factors as (

    select * from {{ ref('int_split_factors') }}

),

trades as (

    select
        transactions.portfolio_id,
        transactions.transaction_id,
        transactions.symbol,
        transactions.kind,
        transactions.currency,
        transactions.quantity,
        {{ rescale_shares(
            'transactions.quantity', 'split_factors.numerator_after', 'split_factors.denominator_after'
        ) }} as final_quantity,
        {{ money('transactions.quantity * transactions.price') }} as consideration,
        transactions.trade_date
    from transactions
    inner join split_factors
        on
            transactions.symbol = split_factors.symbol
            and transactions.trade_date >= split_factors.valid_from
            and transactions.trade_date < split_factors.valid_to

)

select * from trades
