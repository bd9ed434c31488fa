with

portfolio_dates as (

    select * from {{ ref('int_portfolio_dates') }}

),

position_days as (

    select * from {{ ref('fct_position_daily') }}

),

account_balances as (

    select * from {{ ref('int_account_balances') }}

),

ledger_entries as (

    select * from {{ ref('int_ledger_entries') }}

),

lot_matches as (

    select * from {{ ref('int_lot_matches') }}

),

fx_rates_filled as (

    select * from {{ ref('int_fx_rates_filled') }}

),

holdings_value as (

    select
        portfolio_id,
        date,
        sum(market_value) as market_value,
        sum(cost_basis) as cost_basis,
        sum(unrealised_pnl) as unrealised_pnl,
        count(*) as positions,
        count(price) as priced_positions,
        max(price_age_days) as oldest_price_age_days
    from position_days
    group by portfolio_id, date

),

money_value as (

    select
        account_balances.portfolio_id,
        account_balances.date,
        sum({{ convert('account_balances.cash', 'fx_rates_filled.fx_rate') }}) as cash,
        sum({{ convert('account_balances.receivable', 'fx_rates_filled.fx_rate') }}) as receivable
    from account_balances
    left join fx_rates_filled
        on
            account_balances.currency = fx_rates_filled.currency
            and account_balances.base_currency = fx_rates_filled.base_currency
            and account_balances.date = fx_rates_filled.date
    group by account_balances.portfolio_id, account_balances.date

),

entries_in_base as (

    select
        ledger_entries.portfolio_id,
        ledger_entries.kind,
        ledger_entries.date,
        {{ convert('ledger_entries.amount', 'fx_rates_filled.fx_rate') }} as amount
    from ledger_entries
    inner join portfolio_dates
        on
            ledger_entries.portfolio_id = portfolio_dates.portfolio_id
            and ledger_entries.date = portfolio_dates.date
    left join fx_rates_filled
        on
            ledger_entries.currency = fx_rates_filled.currency
            and portfolio_dates.base_currency = fx_rates_filled.base_currency
            and ledger_entries.date = fx_rates_filled.date

),

flows as (

    select
        portfolio_id,
        date,
        sum(case when kind = 'deposit' then amount end) as external_inflow,
        sum(case when kind = 'withdrawal' then -amount end) as external_outflow,
        sum(case when kind = 'dividend' then amount end) as income,
        sum(case when kind = 'fee' then -amount end) as fees
    from entries_in_base
    group by portfolio_id, date

),

realised as (

    select
        portfolio_id,
        sale_date as date,
        sum(realised_pnl) as realised_pnl
    from lot_matches
    group by portfolio_id, sale_date

),

assembled as (

    select
        portfolio_dates.portfolio_id,
        portfolio_dates.base_currency,
        {{ money('coalesce(holdings_value.market_value, 0)') }} as market_value,
        {{ money('coalesce(money_value.cash, 0)') }} as cash,
        {{ money('coalesce(money_value.receivable, 0)') }} as dividends_receivable,
        {{ money('coalesce(flows.external_inflow, 0)') }} as external_inflow,
        {{ money('coalesce(flows.external_outflow, 0)') }} as external_outflow,
        {{ money('coalesce(flows.income, 0)') }} as income,
        {{ money('coalesce(flows.fees, 0)') }} as fees,
        {{ money('coalesce(holdings_value.cost_basis, 0)') }} as cost_basis,
        {{ money('coalesce(realised.realised_pnl, 0)') }} as realised_pnl,
        {{ money('coalesce(holdings_value.unrealised_pnl, 0)') }} as unrealised_pnl,
        coalesce(holdings_value.positions, 0) as positions,
        case
            when holdings_value.positions is null then 1e0
            else cast(holdings_value.priced_positions as double) / cast(holdings_value.positions as double)
        end as coverage,
        holdings_value.oldest_price_age_days,
        portfolio_dates.date
    from portfolio_dates
    left join holdings_value
        on
            portfolio_dates.portfolio_id = holdings_value.portfolio_id
            and portfolio_dates.date = holdings_value.date
    left join money_value
        on
            portfolio_dates.portfolio_id = money_value.portfolio_id
            and portfolio_dates.date = money_value.date
    left join flows
        on
            portfolio_dates.portfolio_id = flows.portfolio_id
            and portfolio_dates.date = flows.date
    left join realised
        on
            portfolio_dates.portfolio_id = realised.portfolio_id
            and portfolio_dates.date = realised.date

),

totals as (

    select
        *,
        {{ money('market_value + cash + dividends_receivable') }} as total_value
    from assembled

),

compared as (

    select
        *,
        coalesce(
            lag(total_value) over (partition by portfolio_id order by date),
            cast(0 as decimal(38, 10))
        ) as previous_value
    from totals

),

-- Inflows count at the start of the day, outflows at its end: r = (V_t + out_t) / (V_{t-1} + in_t) - 1.
-- Without money at work there is no return, and the chain of returns goes on unchanged.
returns as (

    select
        *,
        {{ money('total_value - previous_value - external_inflow + external_outflow') }} as pnl,
        case
            when previous_value + external_inflow > 0
                then
                    cast(total_value + external_outflow as double)
                    / cast(previous_value + external_inflow as double)
                    - 1e0
        end as daily_return
    from compared

),

summary as (

    select
        portfolio_id,
        base_currency,
        market_value,
        cash,
        dividends_receivable,
        total_value,
        external_inflow,
        external_outflow,
        income,
        fees,
        cost_basis,
        realised_pnl,
        unrealised_pnl,
        pnl,
        daily_return,
        {{ running_product('1e0 + coalesce(daily_return, 0e0)', 'portfolio_id', 'date') }}
        - 1e0 as cumulative_return,
        coverage,
        positions,
        oldest_price_age_days,
        date
    from returns

)

select * from summary
