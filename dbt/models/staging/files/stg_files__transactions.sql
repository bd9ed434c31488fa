with

versions as (

    {{ latest_versions(source('silver', 'files_transactions'), ['portfolio_id', 'transaction_id']) }}

),

transactions as (

    select
        portfolio_id,
        transaction_id,
        kind,
        symbol,
        currency,
        note,
        cast(quantity as decimal(24, 10)) as quantity,
        cast(price as decimal(24, 12)) as price,
        {{ money('amount') }} as amount,
        {{ money('coalesce(fee, 0)') }} as fee,
        trade_date
    from versions

)

select * from transactions
