with

positions as (

    select * from {{ ref('int_positions') }}

),

prices_filled as (

    select * from {{ ref('int_prices_filled') }}

),

fx_rates_filled as (

    select * from {{ ref('int_fx_rates_filled') }}

),

cost_basis as (

    select * from {{ ref('int_cost_basis') }}

),

valued as (

    select
        positions.portfolio_id,
        positions.symbol,
        positions.currency,
        positions.base_currency,
        positions.quantity,
        prices_filled.price,
        fx_rates_filled.fx_rate,
        {{ money('positions.quantity * prices_filled.price') }} as market_value_local,
        cost_basis.cost_basis,
        prices_filled.price_age_days,
        fx_rates_filled.fx_age_days,
        positions.date,
        prices_filled.price_session
    from positions
    left join prices_filled
        on
            positions.symbol = prices_filled.symbol
            and positions.date = prices_filled.date
    left join fx_rates_filled
        on
            positions.currency = fx_rates_filled.currency
            and positions.base_currency = fx_rates_filled.base_currency
            and positions.date = fx_rates_filled.date
    left join cost_basis
        on
            positions.portfolio_id = cost_basis.portfolio_id
            and positions.symbol = cost_basis.symbol
            and positions.holding_from = cost_basis.valid_from

),

converted as (

    select
        *,
        {{ convert('market_value_local', 'fx_rate') }} as market_value
    from valued

),

position_days as (

    select
        portfolio_id,
        symbol,
        currency,
        base_currency,
        cast(quantity as decimal(38, 10)) as quantity,
        cast(price as decimal(38, 12)) as price,
        cast(fx_rate as decimal(38, 14)) as fx_rate,
        market_value_local,
        market_value,
        cost_basis,
        {{ money('market_value - cost_basis') }} as unrealised_pnl,
        price_age_days,
        cast(fx_age_days as bigint) as fx_age_days,
        date,
        price_session
    from converted

)

select * from position_days
