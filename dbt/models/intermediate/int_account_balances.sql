with

ledger_entries as (

    select * from {{ ref('int_ledger_entries') }}

),

portfolio_dates as (

    select * from {{ ref('int_portfolio_dates') }}

),

currencies as (

    select distinct
        portfolio_id,
        currency
    from ledger_entries

),

changes as (

    select
        portfolio_id,
        currency,
        date,
        sum(case when account = 'cash' then amount end) as cash,
        sum(case when account = 'receivable' then amount end) as receivable
    from ledger_entries
    group by portfolio_id, currency, date

),

days as (

    select
        portfolio_dates.portfolio_id,
        currencies.currency,
        portfolio_dates.base_currency,
        coalesce(changes.cash, 0) as cash,
        coalesce(changes.receivable, 0) as receivable,
        portfolio_dates.date
    from portfolio_dates
    inner join currencies
        on portfolio_dates.portfolio_id = currencies.portfolio_id
    left join changes
        on
            currencies.portfolio_id = changes.portfolio_id
            and currencies.currency = changes.currency
            and portfolio_dates.date = changes.date

),

account_balances as (

    select
        portfolio_id,
        currency,
        base_currency,
        {{ money('sum(cash) over (partition by portfolio_id, currency order by date '
            ~ 'rows between unbounded preceding and current row)') }} as cash,
        {{ money('sum(receivable) over (partition by portfolio_id, currency order by date '
            ~ 'rows between unbounded preceding and current row)') }} as receivable,
        date
    from days

)

select * from account_balances
