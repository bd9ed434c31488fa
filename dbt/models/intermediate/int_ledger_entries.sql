with

transactions as (

    select *
    from {{ ref('stg_files__transactions') }}
    where trade_date <= {{ logical_date() }}

),

trades as (

    select * from {{ ref('int_trades') }}

),

dividends_received as (

    select * from {{ ref('int_dividends_received') }}

),

entries as (

    select
        portfolio_id,
        currency,
        'cash' as account,
        kind,
        case when kind = 'deposit' then amount else -amount end as amount,
        trade_date as date
    from transactions
    where kind in ('deposit', 'withdrawal', 'fee')

    union all

    select
        portfolio_id,
        currency,
        'cash' as account,
        'fee' as kind,
        -fee as amount,
        trade_date as date
    from transactions
    where fee <> 0

    union all

    select
        portfolio_id,
        currency,
        'cash' as account,
        kind,
        case when kind = 'sell' then consideration else -consideration end as amount,
        trade_date as date
    from trades

    union all

    -- A dividend is income on its ex-date, owed until it is paid, and money in the account from then on.
    select
        portfolio_id,
        currency,
        'receivable' as account,
        'dividend' as kind,
        amount,
        ex_date as date
    from dividends_received

    union all

    select
        portfolio_id,
        currency,
        'receivable' as account,
        'payment' as kind,
        -amount as amount,
        payment_date as date
    from dividends_received
    where payment_date <= {{ logical_date() }}

    union all

    select
        portfolio_id,
        currency,
        'cash' as account,
        'payment' as kind,
        amount,
        payment_date as date
    from dividends_received
    where payment_date <= {{ logical_date() }}

),

ledger_entries as (

    select
        portfolio_id,
        currency,
        account,
        kind,
        {{ money('amount') }} as amount,
        date
    from entries

)

select * from ledger_entries
